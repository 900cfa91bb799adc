import { expect } from "vitest";
import type { RawAnswer } from "./raw-http.ts";
import type { ExpectedHeaders, Seen, StartServerRow } from "./row.ts";

export function expectHeaders(
  actual: Readonly<Record<string, string | undefined>>,
  expected: ExpectedHeaders,
): void {
  for (const [name, value] of Object.entries(expected)) {
    if (value === null) expect(actual, `header ${name}`).not.toHaveProperty(name);
    else expectText(actual[name], value, `header ${name}`);
  }
}

export function expectText(
  actual: string | undefined,
  expected: string | RegExp,
  what: string,
): void {
  if (typeof expected === "string") expect(actual, what).toBe(expected);
  else expect(actual, what).toMatch(expected);
}

/** What the handler saw, in the words of its own side. */
export type Recorded = Omit<Seen, "headers"> & {
  readonly headers: Readonly<Record<string, string | undefined>>;
};

export function expectStart(
  row: StartServerRow,
  answer: RawAnswer,
  recorded: Recorded | undefined,
): void {
  const { expect: wanted } = row;
  expect(answer.status, answer.body).toBe(wanted.status);
  if (wanted.headers !== undefined) expectHeaders(answer.headers, wanted.headers);
  if (wanted.body !== undefined) expectText(answer.body, wanted.body, "body");
  if (wanted.failure !== undefined) expect(JSON.parse(answer.body)).toEqual(wanted.failure);
  if (wanted.message !== undefined) {
    expect(answer.headers["content-type"]).toBe("application/json");
    expectText(
      (JSON.parse(answer.body) as { message?: string }).message,
      wanted.message,
      "message",
    );
  }
  const { seen } = wanted;
  if (seen === null) expect(recorded, "the handler was called").toBeUndefined();
  if (seen === null || seen === undefined) return;
  const { headers, ...rest } = seen;
  expect(recorded).toMatchObject(rest);
  if (headers !== undefined) expectHeaders(recorded?.headers ?? {}, headers);
}

/** `value:` is followed by JSON: equal values are equal, however they are escaped. */
export function expectMade(actual: string, expected: string): void {
  const prefix = "value:";
  if (!expected.startsWith(prefix) || !actual.startsWith(prefix) || expected === prefix) {
    expect(actual).toBe(expected);
    return;
  }
  expect(JSON.parse(actual.slice(prefix.length))).toEqual(
    JSON.parse(expected.slice(prefix.length)),
  );
}
