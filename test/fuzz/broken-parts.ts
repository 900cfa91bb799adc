import { escapes, junk, knownHeaders } from "./junk.ts";
import type { Random } from "./random.ts";
import { header, type RequestParts } from "./well-formed.ts";

type Break = (parts: RequestParts, random: Random) => void;

/** Each breaks one part of a request that would have been well-formed. */
export const brokenParts: Readonly<Record<string, Break>> = {
  "bad escape": (parts, random) => {
    insert(parts, random, Buffer.from(random.pick(escapes)));
  },
  "bytes in the path": (parts, random) => {
    insert(
      parts,
      random,
      random.pick([
        random.bytes(3),
        Buffer.from([0]),
        Buffer.from([0xff, 0xfe]),
        Buffer.from(" "),
        Buffer.from("\t"),
        Buffer.from([0xc3]),
      ]),
    );
  },
  "dots and slashes": (parts, random) => {
    insert(
      parts,
      random,
      Buffer.from(random.pick(["/../", "//", "/./", ";a=b", "\\", "#x", "/%2e%2e/"])),
    );
  },
  "long target": (parts, random) => {
    insert(parts, random, Buffer.alloc(random.pick([300, 2_000, 12_000, 40_000]), "a%41"));
  },
  "junk query": (parts, random) => {
    const name = random.pick([
      "limit",
      "wait",
      "cursor",
      "callback",
      "token",
      "state",
      "__proto__",
      "",
    ]);
    const value = random.pick([
      ...junk,
      ...escapes,
      "http://[::1",
      "http://a@b:c/",
      "javascript:1",
    ]);
    const pair = `${name}=${value}`;
    parts.target = Buffer.concat([
      parts.target,
      Buffer.from(
        `${parts.target.includes("?") ? "&" : "?"}${random.chance(0.3) ? `${pair}&${pair}` : pair}`,
      ),
    ]);
  },
  "other form of target": (parts, random) => {
    const target = random.pick([
      "http://gateway.test",
      "https://[::1",
      "http://a:b@c:99999",
      "*",
      "gateway.test:80",
      "//evil",
      "ftp://x",
    ]);
    parts.target = random.chance(0.7)
      ? Buffer.concat([Buffer.from(target), parts.target])
      : Buffer.from(target);
  },
  "bad method": (parts, random) => {
    parts.method = random.pick([
      "get",
      "P\0ST",
      "PRI",
      "CONNECT",
      "TRACE",
      "",
      "BREW",
      "X".repeat(500),
      "PATCH",
      "HEAD",
      "OPTIONS",
      "PO ST",
      "PROPFIND",
      "QUERY",
      "\xff",
    ]);
  },
  "bad version": (parts, random) => {
    parts.version = random.pick([
      "HTTP/0.9",
      "HTTP/2.0",
      "HTTP/1.10",
      "http/1.1",
      "HTTP/1.0",
      "",
      "HTTP/9999999999.1",
      "HTCPCP/1.0",
    ]);
  },
  "duplicate header": (parts, random) => {
    const [name, value] = random.pick([...parts.headers, header("Host", "other.test")]);
    const again = random.chance(0.5) ? value : Buffer.from(random.pick(junk));
    for (let n = random.int(1, 3); n > 0; n -= 1) parts.headers.push([name, again]);
  },
  "oversized header": (parts, random) => {
    parts.headers.push([
      Buffer.from("X-Big"),
      Buffer.alloc(random.pick([4_000, 15_000, 17_000, 64_000]), "b"),
    ]);
  },
  "many headers": (parts, random) => {
    for (let n = random.pick([50, 150, 1_500]); n > 0; n -= 1)
      parts.headers.push(header(`x-${n}`, "1"));
  },
  "bad header name": (parts, random) => {
    parts.headers.push([random.pick(names), Buffer.from("v")]);
  },
  "bytes in a header": (parts, random) => {
    const name = Buffer.from(random.pick(knownHeaders));
    const value = random.pick([
      random.bytes(6),
      Buffer.from([0]),
      Buffer.from("a\rb"),
      Buffer.from("a\nb"),
      Buffer.from("a\r\n b"),
      Buffer.from([0xff, 0xe4]),
      Buffer.from([0x7f]),
    ]);
    parts.headers.push([name, value]);
  },
  "junk in a known header": (parts, random) => {
    const name = random.pick(knownHeaders);
    const value = Buffer.from(random.pick(junk));
    const at = parts.headers.findIndex(
      ([other]) => other.toString().toLowerCase() === name.toLowerCase(),
    );
    if (at < 0) parts.headers.push([Buffer.from(name), value]);
    else parts.headers[at] = [Buffer.from(name), value];
  },
  "missing header": (parts, random) => {
    parts.headers.splice(random.int(0, Math.max(0, parts.headers.length - 1)), 1);
  },
  "junk body": (parts, random) => {
    parts.body = random.pick([
      ...[random.bytes(50), Buffer.from([0]), Buffer.from('"\0"'), Buffer.from([0x22, 0xff, 0x22])],
      ...[Buffer.from("{"), Buffer.from("[".repeat(20_000)), Buffer.from('{"__proto__":{"a":1}}')],
      ...[
        Buffer.from('{"metadata":{"type":1},"details":null}'),
        Buffer.from('{"cause":'.repeat(3_000)),
      ],
      ...[
        Buffer.from(`{"limit":${"9".repeat(400)}}`),
        Buffer.from('{"a":"\\ud800"}'),
        Buffer.from("\ufeff{}"),
      ],
      ...[
        Buffer.from('{"input":"\\u0000","requestId":"\\u0000"}'),
        Buffer.from('{"description":"\\u0000"}'),
      ],
      Buffer.from(
        `{"message":"m","metadata":{"type":"nexus.OperationError"},"details":{"state":${random.pick(['"x"', "1", "null"])}},"cause":{"cause":1}}`,
      ),
    ]);
  },
  "body over the limit": (parts, random) => {
    if (random.chance(0.9)) return;
    parts.body = Buffer.alloc(2 * 1024 * 1024 + 10, "1");
  },
};

const names = [
  Buffer.from("X Y"),
  Buffer.from([0]),
  Buffer.from([0xe4]),
  Buffer.from(""),
  Buffer.from("a(b)"),
  Buffer.from("__proto__"),
  Buffer.from("constructor"),
  Buffer.from(" Host"),
];

function insert(parts: RequestParts, random: Random, bytes: Buffer): void {
  const at = random.chance(0.5) ? parts.target.length : random.int(1, parts.target.length);
  parts.target = Buffer.concat([parts.target.subarray(0, at), bytes, parts.target.subarray(at)]);
}
