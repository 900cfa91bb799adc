import fc from "fast-check";
import { expect, test } from "vitest";
import {
  cancelPath,
  encodeSegment,
  MalformedPath,
  parseQuery,
  splitNexusPath,
  startPath,
} from "../../sdk/src/protocol/path.ts";

test.each([
  ["/s/o", { kind: "start", service: "s", operation: "o" }],
  ["s/o", { kind: "start", service: "s", operation: "o" }],
  ["/s/cancel", { kind: "start", service: "s", operation: "cancel" }],
  ["//", { kind: "start", service: "", operation: "" }],
  ["/a%2Fb/c+d%20e", { kind: "start", service: "a/b", operation: "c+d e" }],
  ["/s/o/cancel", { kind: "cancel", service: "s", operation: "o" }],
  ["/s/o/t%2Fk/cancel", { kind: "cancel", service: "s", operation: "o", token: "t/k" }],
])("%s", (path, route) => {
  expect(splitNexusPath(path)).toEqual(route);
});

test.each(["/", "/one", "/s/o/", "/s/o/x", "/s/o/t/x", "/s/o/cancel/", "/1/2/3/4/5/6"])(
  "%s is no route",
  (path) => {
    expect(splitNexusPath(path)).toBeUndefined();
  },
);

test.each(["/s/%zz", "/s/%", "/%ff/o"])("%s can't be decoded", (path) => {
  expect(() => splitNexusPath(path)).toThrow(MalformedPath);
});

test.each([".", "..", "\ud800"])("%j can't be a segment", (name) => {
  expect(() => encodeSegment(name)).toThrow(MalformedPath);
});

test("escapes like Go's PathEscape", () => {
  expect(encodeSegment("aZ9-_.~$&+=:@")).toBe("aZ9-_.~$&+=:@");
  expect(encodeSegment("/,;?#!'()* %24")).toBe("%2F%2C%3B%3F%23%21%27%28%29%2A%20%2524");
});

test("any two names survive a URL", () => {
  const name = fc
    .string({ unit: "grapheme", minLength: 1 })
    .filter((text) => text !== "." && text !== "..");
  fc.assert(
    fc.property(name, name, (service, operation) => {
      const { pathname } = new URL(`http://h${startPath(service, operation)}`);
      expect(splitNexusPath(pathname)).toEqual({ kind: "start", service, operation });
      expect(splitNexusPath(cancelPath(service, operation))).toEqual({
        kind: "cancel",
        service,
        operation,
      });
    }),
  );
});

test("a query is form-encoded and the first of a repeated name counts", () => {
  const query = parseQuery("callback=http%3A%2F%2Fa%3Fx%3D1+2&callback=b&empty&x=1=2");
  expect({ ...query }).toEqual({ callback: "http://a?x=1 2", empty: "", x: "1=2" });
  expect(() => parseQuery("callback=http://a/%zz")).toThrow(MalformedPath);
  expect(parseQuery("")["constructor"]).toBeUndefined();
});
