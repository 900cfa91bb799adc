import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errorCodes, type ApiErrorCode } from "../../gateway/src/api-error.ts";
import { errorFixtures } from "./error-fixtures.ts";
import { openErrorWorld, type ErrorWorld } from "./error-world.ts";

const codes = Object.keys(errorCodes) as ApiErrorCode[];
let world: ErrorWorld;

beforeAll(async () => {
  world = await openErrorWorld();
}, 120_000);
afterAll(() => world.close());

test("every code has a fixture, and no fixture lacks its code", () => {
  expect(Object.keys(errorFixtures).sort()).toEqual([...codes].sort());
});

describe("a request that is wrong in one way", () => {
  test.each(codes)("%s is answered by its row of the table, and writes nothing", async (code) => {
    const { request, at, nexus, unrouted, blames } = errorFixtures[code];
    const expected = errorCodes[code];
    const before = await world.counts();

    const reply = await world.call(request(world), at);

    if (nexus === true) {
      expect(reply.body, reply.text).toMatchObject({ metadata: { code } });
      expect(reply.status).toBe(expected.status);
      expect(reply.body["message"]).toEqual(expect.stringMatching(/./));
    } else {
      expect(reply.body, reply.text).toMatchObject({
        type: `urn:nexus-mesh:error:${code}`,
        title: expected.title,
        status: expected.status,
        code,
        retryable: expected.retryable,
        detail: expect.stringMatching(/./),
        hint: expect.stringMatching(/./),
      });
      expect(reply.status).toBe(expected.status);
    }
    if (unrouted === true) {
      expect(reply.headers).toMatchObject({
        "content-type": "application/json",
        connection: "close",
      });
      expect(reply.body).toMatchObject({
        message: expect.stringMatching(/./),
        metadata: { type: "nexus.HandlerError", code },
        details: { type: expected.nexus },
      });
    } else if (nexus !== true) {
      expect(reply.headers["content-type"]).toMatch(/^application\/problem\+json\b/);
      expect(reply.body["instance"]).toMatch(/^\/v1\/[^?]*$/);
    }
    if (blames !== undefined) {
      expect(reply.body["errors"]).toEqual(
        expect.arrayContaining([{ ...blames, detail: expect.stringMatching(/./) }]),
      );
    }
    if (expected.retryable && expected.status === 429) {
      expect(reply.headers["retry-after"]).toBe("1");
    }
    expect(await world.counts()).toEqual(before);
  });
});

test("what went wrong inside stays inside", async () => {
  const { request, at } = errorFixtures.INTERNAL;
  const { text } = await world.call(request(world), at);
  expect(text).not.toContain("attempt_elsewhere");
  expect(text).not.toContain("relation");
  expect(text).not.toContain("at ");
});

test("the README's table has a line for every code", async () => {
  const readme = await readFile(new URL("../../README.md", import.meta.url), "utf8");
  const missing = codes.filter((code) => !readme.includes(`\`${code}\``));
  expect(missing).toEqual([]);
});
