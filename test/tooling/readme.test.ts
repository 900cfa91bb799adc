import { readFile, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readReadme, withFreshTables } from "./readme-tables.ts";

const root = new URL("../../", import.meta.url);
const readme = await readReadme();
const { scripts } = JSON.parse(await readFile(new URL("package.json", root), "utf8")) as {
  scripts: Record<string, string>;
};

describe("README.md", () => {
  it("holds the tables that the code says", async () => {
    expect(readme).toBe(await withFreshTables(readme));
  });

  it("names every npm script, and none that is not there", () => {
    const named = [
      ...readme.matchAll(/npm (?:run )?(start|test(?::[a-z]+)?|(?<=run )[a-z:]+)/g),
    ].map((match) => match[1]);
    expect([...new Set(named)].toSorted()).toEqual(Object.keys(scripts).toSorted());
  });

  it("has at most sixteen scripts to name", () => {
    expect(Object.keys(scripts).length).toBeLessThanOrEqual(16);
  });

  it("links to files that exist", async () => {
    const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map((match) => match[1] ?? "");
    expect(links.length).toBeGreaterThan(0);
    for (const link of links) {
      await expect(stat(fileURLToPath(new URL(link, root))), link).resolves.toBeDefined();
    }
  });
});
