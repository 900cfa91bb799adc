import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  completionId,
  headerDigest,
  parseCompletionId,
  signV1,
  signV1a,
  verifySignature,
} from "../../sdk/src/protocol/webhook-signature.ts";

const body = Buffer.from('{"test": 2432232314}');
const id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const time = 1_614_265_330;
const secret = Buffer.from("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "base64");
const ed25519 = generateKeyPairSync("ed25519");
const foreign = generateKeyPairSync("ed25519");
const keys = { secrets: [secret], publicKeys: [ed25519.publicKey] };

test("the example of the Standard Webhooks specification", () => {
  const signature = signV1(secret, id, time, body);
  expect(signature).toBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  expect(verifySignature(keys, signature, id, time, body)).toBe(true);
});

test("either scheme verifies, also beside signatures of other keys", () => {
  const good = signV1a(ed25519.privateKey, id, time, body);
  const other = signV1(Buffer.from("another secret"), id, time, body);
  expect(verifySignature(keys, good, id, time, body)).toBe(true);
  expect(verifySignature(keys, `${other} ${good}`, id, time, body)).toBe(true);
  expect(verifySignature(keys, other, id, time, body)).toBe(false);
  expect(verifySignature(keys, signV1a(foreign.privateKey, id, time, body), id, time, body)).toBe(
    false,
  );
});

test.each(["", "v1", "v1,", "v2,AAAA", "v1a,AAAA", "v1,!!!"])("%j is no signature", (header) => {
  expect(verifySignature(keys, header, id, time, body)).toBe(false);
});

test("each signed part counts", () => {
  for (const signature of [
    signV1(secret, id, time, body),
    signV1a(ed25519.privateKey, id, time, body),
  ]) {
    expect(verifySignature(keys, signature, `${id}x`, time, body)).toBe(false);
    expect(verifySignature(keys, signature, id, time + 1, body)).toBe(false);
    expect(verifySignature(keys, signature, id, time, Buffer.from("{}"))).toBe(false);
  }
});

test("a completion id names operation, count, state and digest, without dots", () => {
  fc.assert(
    fc.property(
      fc.uuid(),
      fc.nat(1_000),
      fc.constantFrom("succeeded" as const, "failed" as const, "canceled" as const),
      fc.string(),
      (operationId, n, state, type) => {
        const digest = headerDigest(operationId, { "content-type": type });
        const text = completionId({ operationId, n, state, digest });
        expect(text).not.toContain(".");
        expect(parseCompletionId(text)).toEqual({ operationId, n, state, digest });
      },
    ),
  );
  expect(parseCompletionId("msg_1")).toBeUndefined();
});

test("the digest covers token, names and values, not their order", () => {
  const digest = headerDigest("t", { "content-type": "a", "content-x": "b" });
  expect(headerDigest("t", { "content-x": "b", "content-type": "a" })).toBe(digest);
  for (const [token, headers] of [
    ["u", { "content-type": "a", "content-x": "b" }],
    ["t", { "content-type": "a" }],
    ["t", { "content-type": "b", "content-x": "a" }],
    ["t", { "content-type": "a", "content-x": "b", "content-encoding": "gzip" }],
  ] as const) {
    expect(headerDigest(token, headers)).not.toBe(digest);
  }
});
