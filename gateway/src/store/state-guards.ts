import { isTerminal, stateName, states, statesChangedBy } from "../operations/lifecycle.ts";

const codes = Object.values(states);

/** What SQL guards list, computed from the transition table: nothing here decides on its own. */
export const terminalCodes: readonly number[] = codes.filter((code) => isTerminal(stateName(code)));
export const openCodes: readonly number[] = statesChangedBy("succeeded");

export function inStates(column: string, list: readonly number[]): string {
  return `${column} in (${list.join(", ")})`;
}
