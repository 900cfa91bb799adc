import type { Endpoint, Grant, Snapshot } from "@nexus-mesh/registry/registry";
import { describe, expect, it } from "vitest";
import {
  assertGranted,
  grantCommand,
  grantFor,
  matchesPattern,
} from "../../gateway/src/identity/grants.ts";
import { emptySnapshot, endpointNamed } from "./snapshots.ts";

describe("patterns", () => {
  it.each([
    ["*", "anything", true],
    ["*", "", true],
    ["team-*", "team-", true],
    ["team-*", "team-a", true],
    ["team-*", "teams", false],
    ["*-batch", "nightly-batch", true],
    ["*-batch", "batch", false],
    ["a*b*c", "abc", true],
    ["a*b*c", "a-b-b-c", true],
    ["a*b*c", "acb", false],
    ["a*a", "a", false],
    ["a*a", "aa", true],
    ["orders", "orders", true],
    ["orders", "orders2", false],
    ["or.ers", "orders", false],
    ["", "", true],
    ["", "x", false],
  ])("%s against %s is %s", (pattern, name, matches) => {
    expect(matchesPattern(pattern, name)).toBe(matches);
  });

  it("stays linear on a pattern made to explode", () => {
    expect(matchesPattern(`${"a*".repeat(60)}b`, "a".repeat(4_000))).toBe(false);
  });
});

describe("grants", () => {
  const endpoint = endpointNamed("analytics", "insights");

  it("need caller, service and operation to match in one and the same grant", () => {
    const snapshot = granted(endpoint, [
      { caller: "storefront", service: "reports", operation: "profile" },
      { caller: "team-*", service: "*", operation: "read*" },
    ]);
    expect(grantFor(snapshot, endpoint, "storefront", "reports", "profile")?.id).toBe("g0");
    expect(grantFor(snapshot, endpoint, "team-a", "anything", "readAll")?.id).toBe("g1");
    expect(grantFor(snapshot, endpoint, "team-a", "reports", "profile")).toBeUndefined();
    expect(grantFor(snapshot, endpoint, "storefront", "reports", "readAll")).toBeUndefined();
  });

  it("are not implied by owning the endpoint", () => {
    expect(grantFor(granted(endpoint, []), endpoint, "insights", "s", "o")).toBeUndefined();
  });

  it("when missing name endpoint, caller, owner and the command that helps", () => {
    expect(() =>
      assertGranted(granted(endpoint, []), endpoint, "storefront", "reports", "profile"),
    ).toThrow(
      expect.objectContaining({
        code: "GRANT_MISSING",
        message:
          "namespace storefront may not start reports/profile on endpoint analytics, which namespace insights owns",
        hint: "Ask insights to run: nexus-mesh grant put analytics --caller storefront --service reports --operation profile",
        members: { endpoint: "analytics", caller: "storefront", owner: "insights" },
      }),
    );
  });

  it("quote names for the shell: they are the caller's own text", () => {
    expect(grantCommand("e", "c", "it's $(here)", "o")).toContain(
      String.raw`--service 'it'\''s $(here)'`,
    );
  });
});

function granted(
  endpoint: Endpoint,
  grants: readonly Pick<Grant, "caller" | "service" | "operation">[],
): Snapshot {
  const createdAt = new Date(0);
  return {
    ...emptySnapshot,
    grants: new Map([
      [
        endpoint.id,
        grants.map((grant, n) => ({
          ...grant,
          id: `g${n}`,
          endpointId: endpoint.id,
          createdAt,
        })),
      ],
    ]),
  };
}
