/** Of two columns: East Asian wide and full-width forms, and pictures. Too wide a guess costs a column, too narrow a line. */
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Extended_Pictographic}/u;
const none = /[\p{Mn}\p{Me}\p{Cf}]/u;

/** Text of a stranger's for a terminal: on one line, and without what would move its cursor or turn its direction. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]+/gu, " ");
}

/** The beginning of the text that fits; where something was cut off stands an ellipsis. */
export function fitted(text: string, columns: number): string {
  let width = 0;
  let end = 0;
  let at = 0;
  for (const character of text) {
    width += none.test(character) ? 0 : wide.test(character) ? 2 : 1;
    at += character.length;
    if (width > columns) return columns < 1 ? "" : `${text.slice(0, end)}…`;
    if (width < columns) end = at;
  }
  return text;
}
