/**
 * The bytes of a failure's cause as they stand in it, `undefined` without one. Parsed and written again they would
 * change: big integers, key order, escapes (pitfall 16). `failure` must be JSON, as what `parseFailure` has read.
 */
export function causeBytes(failure: Uint8Array): Buffer | undefined {
  const bytes = Buffer.from(failure);
  // One character per byte: what gives JSON its structure is ASCII, and no byte of a longer character is.
  const text = bytes.toString("latin1");
  let found: Buffer | undefined;
  let at = afterSpace(text, afterSpace(text, 0) + 1);
  while (text[at] === '"') {
    const nameEnd = valueEnd(text, at);
    const from = afterSpace(text, afterSpace(text, nameEnd) + 1);
    const to = valueEnd(text, from);
    // Of a repeated name the last value counts, as JSON.parse has it.
    if (JSON.parse(text.slice(at, nameEnd)) === "cause") found = bytes.subarray(from, to);
    at = afterSpace(text, afterSpace(text, to) + 1);
  }
  return found?.toString() === "null" ? undefined : found;
}

function afterSpace(text: string, from: number): number {
  let at = from;
  while (/[ \t\r\n]/.test(text.charAt(at))) at += 1;
  return at;
}

function valueEnd(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === '"') at = stringEnd(text, at);
    else if (char === "{" || char === "[") depth += 1;
    else if (char === "}" || char === "]") {
      // Of the object around it: the value was a number or a word.
      if (depth === 0) return at;
      depth -= 1;
    } else if (depth > 0 || !/[,:\s]/.test(char)) continue;
    else return at;
    if (depth === 0) return at + 1;
  }
  return text.length;
}

/** The index of the closing quote. */
function stringEnd(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}
