import { firstValues } from "@nexus-mesh/sdk/protocol/headers";
import { expect, test } from "vitest";
import { forwardedHeaders } from "../../gateway/src/dispatch/forwarded-headers.ts";

test("what Connection names stays here, content headers go apart, of duplicates the first counts", () => {
  const raw = [
    ["Connection", "keep-alive, X-Hop"],
    ["X-Hop", "1"],
    ["X-Team", "blue"],
    ["X-Team", "red"],
    ["Content-Type", "text/plain"],
    ["Content-Length", "3"],
    ["Nexus-Callback-Token", "t"],
    ["Nexus-Mesh-Anything", "m"],
    ["Nexus-Link", '<https://a/1>; type="a.B"'],
    ["Nexus-Link", '<https://a/2>; type="a.B"'],
  ].flat();
  expect(forwardedHeaders(firstValues(raw))).toEqual({
    headers: {
      "x-team": "blue",
      "nexus-link": '<https://a/1>; type="a.B", <https://a/2>; type="a.B"',
    },
    content: { "content-type": "text/plain" },
  });
});
