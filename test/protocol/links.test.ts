import fc from "fast-check";
import { expect, test } from "vitest";
import { formatLink, MalformedLink, parseLinks } from "../../sdk/src/protocol/links.ts";

const a = { url: "http://a/1?x=y", type: "pkg.A" };
const b = { url: "temporal:///namespaces/n/workflows/w/r/history?eventID=1", type: "pkg/B_2" };

test.each([
  ["one", [`<${a.url}>; type="pkg.A"`], [a]],
  ["several lines", [`<${a.url}>; type="pkg.A"`, `<${b.url}>; type="pkg/B_2"`], [a, b]],
  ["several in one line", [`<${a.url}>; type="pkg.A", <${b.url}>; type="pkg/B_2"`], [a, b]],
  ["no quotes", [`<${a.url}>; type=pkg.A`], [a]],
  ["another parameter", [`<${a.url}>; rel=x; type="pkg.A"`], [a]],
  ["none", [], []],
])("reads %s", (_name, values, links) => {
  expect(parseLinks(values)).toEqual(links);
});

test.each([
  "",
  "<http://a>",
  '<http://a> type="t"',
  '<>; type="t"',
  '<http://a>; type=""',
  '<http://a>; type="a-b"',
  '<http://a>; type="',
  '<http://a>; type="t',
  '<http://a>; type="t";',
  '<http://a?x;y>; type="t"',
  '<http://a?x=%zz>; type="t"',
  '<not a url>; type="t"',
  '<http://a/1,2>; type="t"',
])("refuses %s", (value) => {
  expect(() => parseLinks([value])).toThrow(MalformedLink);
});

test("one bad link spoils all", () => {
  expect(() => parseLinks([`<${a.url}>; type="pkg.A"`, "bad"])).toThrow(MalformedLink);
});

test.each([
  { url: "", type: "t" },
  { url: "http://a?x;y", type: "t" },
  { url: "http://a", type: "" },
  { url: "http://a", type: "a b" },
])("does not write $url of type $type", (link) => {
  expect(() => formatLink(link)).toThrow(MalformedLink);
});

test("a comma inside a URL is escaped, since it would split the header", () => {
  const link = { url: "http://a/1,2?q=3,4", type: "t" };
  expect(parseLinks([formatLink(link)])).toEqual([{ url: "http://a/1%2C2?q=3%2C4", type: "t" }]);
});

test("what is written is read again", () => {
  const links = fc.array(
    fc.record({
      url: fc.webUrl({ withQueryParameters: true }).filter((url) => !/[,;]/.test(url)),
      type: fc.stringMatching(/^[A-Za-z0-9_./]+$/),
    }),
    { minLength: 1, maxLength: 4 },
  );
  fc.assert(
    fc.property(links, (given) => {
      expect(parseLinks(given.map(formatLink))).toEqual(given);
    }),
  );
});
