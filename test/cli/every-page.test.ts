import { expect, test } from "vitest";
import { everyPage } from "../../sdk/cli/src/session.ts";

/** Pages of two numbers each, without an end. */
function counting() {
  const asked: (string | undefined)[] = [];
  const page = (cursor: string | undefined) => {
    asked.push(cursor);
    const from = Number(cursor ?? 0);
    return Promise.resolve({ items: [from, from + 1], nextCursor: String(from + 2) });
  };
  return { asked, page };
}

test("pages are walked by their cursors until there are enough items", async () => {
  const { asked, page } = counting();
  expect(await everyPage(page, 5)).toEqual([0, 1, 2, 3, 4]);
  expect(asked).toEqual([undefined, "2", "4"]);
});

test("the last page has no cursor", async () => {
  const last = () => Promise.resolve({ items: ["only"], nextCursor: null });
  expect(await everyPage(last, 5)).toEqual(["only"]);
});
