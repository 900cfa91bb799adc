import { expect, test } from "vitest";
import { contentHeaders } from "../../sdk/src/protocol/content.ts";
import { firstValues } from "../../sdk/src/protocol/headers.ts";

test("of a duplicate the first value counts, links are joined, names are lower-case", () => {
  const values = firstValues([
    "Nexus-Request-Id",
    "first",
    "NEXUS-REQUEST-ID",
    "second",
    "Nexus-Link",
    "<a:b>",
    "nexus-link",
    "<c:d>",
  ]);
  expect({ ...values }).toEqual({ "nexus-request-id": "first", "nexus-link": "<a:b>, <c:d>" });
});

test("a header named like an object's member is a header and nothing else", () => {
  const values = firstValues(["__proto__", "x", "Constructor", "y"]);
  expect(Object.keys(values)).toEqual(["__proto__", "constructor"]);
  expect(firstValues([])["tostring"]).toBeUndefined();
});

test("content headers are a prefix; the length belongs to the transport", () => {
  expect(
    contentHeaders({ "content-type": "a/b", "content-x": "1", "content-length": "3", other: "z" }),
  ).toEqual({ "content-type": "a/b", "content-x": "1" });
});
