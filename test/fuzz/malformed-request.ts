export type Random = () => number;

/** mulberry32: the same numbers for the same seed. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Draft {
  method: string;
  target: string;
  version: string;
  lines: string[];
  body: Buffer;
  /** Whether a right Content-Length is added. */
  length: boolean;
}

/** A request that is fine but for one to three things. */
export function malformedRequest(random: Random, token: string): { pieces: Buffer[] } {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const draft: Draft = {
    method: "POST",
    target: pick(targets),
    version: "HTTP/1.1",
    lines: [
      "Host: gateway",
      ...(random() < 0.8 ? [`Authorization: Bearer ${token}`] : []),
      ...(random() < 0.8 ? ["Content-Type: application/json"] : []),
    ],
    body: Buffer.from(pick(bodies)),
    length: true,
  };
  for (let n = 1 + Math.floor(random() * 3); n > 0; n -= 1) pick(faults)(draft, random);
  if (draft.length) draft.lines.push(`Content-Length: ${draft.body.length}`);
  const head = `${draft.method} ${draft.target} ${draft.version}\r\n${draft.lines.join("\r\n")}\r\n\r\n`;
  let bytes = Buffer.concat([Buffer.from(head, "latin1"), draft.body]);
  // Pipelining: whatever follows meets what the first one left.
  if (random() < 0.1) bytes = Buffer.concat([bytes, bytes]);
  return { pieces: random() < 0.2 ? split(bytes, random) : [bytes] };
}

const targets = [
  "/nexus/endpoints/fuzz/services/s/op",
  "/nexus/endpoints/fuzz/services/s/op/cancel",
  "/nexus/endpoints/fuzz/services/s/op?callback=http://127.0.0.1:1/x",
  "/nexus/callback",
  "/v1/namespaces",
  "/v1/endpoints/fuzz",
  "/v1/operations?limit=1",
  "/v1/endpoints/fuzz/services/s/operations/op",
  "/healthz",
];
const bodies = [
  "",
  "1",
  '{"a":1}',
  "{",
  '{"__proto__":{"x":1}}',
  `[${"[".repeat(2_000)}`,
  "1e999999",
  `"${"x".repeat(5_000)}"`,
  "\u0000",
];
const names = [
  "Nexus-Request-Id",
  "Request-Timeout",
  "Operation-Timeout",
  "Nexus-Link",
  "Nexus-Operation-Token",
  "Nexus-Operation-State",
  "Nexus-Operation-Start-Time",
  "Nexus-Callback-Token",
  "Nexus-Mesh-Completion-Token",
  "Nexus-Mesh-Namespace",
  "Nexus-Mesh-Input-Digest",
  "Content-Type",
  "Content-Encoding",
  "Accept-Encoding",
  "Prefer",
  "Expect",
  "Connection",
  "If-Match",
  "Host",
  "Upgrade",
  "__proto__",
  "constructor",
];
const values = [
  "",
  "0",
  "-1",
  "99999999999999999999999999ms",
  "1e400s",
  "NaN",
  "\u00ff\u00fe",
  '<https://a/>; type="',
  "<,>;;;",
  "100-continue",
  "keep-alive, x",
  "gzip, \u0001",
  "h2c",
  "x".repeat(3_000),
  "..%2f..%2f",
  "\t",
  "a\u0000b",
];

type Fault = (draft: Draft, random: Random) => void;
const choose = <T>(random: Random, list: readonly T[]): T =>
  list[Math.floor(random() * list.length)] as T;

const faults: readonly Fault[] = [
  (draft, random) => {
    const escape = choose(random, [
      "%zz",
      "%",
      "%ff",
      "%00",
      "%2e%2e",
      "%c0%af",
      "//",
      "/..",
      "?",
      "#x",
      ";",
      "\u00e4",
      "%f0%9f",
      " ",
    ]);
    const at = 1 + Math.floor(random() * draft.target.length);
    draft.target = draft.target.slice(0, at) + escape + draft.target.slice(at);
  },
  (draft, random) => {
    const name = choose(random, names);
    const value = choose(random, values);
    draft.lines.push(`${name}: ${value}`);
    if (random() < 0.4) draft.lines.push(`${name}: ${choose(random, values)}`);
  },
  (draft) => {
    draft.lines.push(`X-Large: ${"x".repeat(20_000)}`);
  },
  (draft, random) => {
    for (let n = Math.floor(random() * 300); n > 0; n -= 1) draft.lines.push(`X-${n}: ${n}`);
  },
  (draft, random) => {
    draft.length = false;
    draft.lines.push(
      `Content-Length: ${choose(random, ["-1", "abc", "1,2", "0x10", "99999999999999999999", String(draft.body.length + 7), String(Math.max(0, draft.body.length - 1)), "3000000", "+1", ""])}`,
    );
  },
  (draft) => {
    draft.lines.push("Content-Length: 5", "Content-Length: 6");
  },
  (draft, random) => {
    draft.lines.push(
      `Transfer-Encoding: ${choose(random, ["chunked", "gzip, chunked", "chunked, chunked", "identity", "xchunked", "chunked\u000b"])}`,
    );
  },
  (draft, random) => {
    draft.length = false;
    draft.lines.push("Transfer-Encoding: chunked");
    draft.body = Buffer.from(
      choose(random, [
        "zz\r\n",
        "5\r\nabc",
        "ffffffffffffffff\r\n",
        "1\r\na\r\n0\r\nTrailer: x\r\n\r\n",
        "-1\r\n",
        "1;ext=\u0000\r\na\r\n0\r\n\r\n",
        "0\r\n\r\n0\r\n\r\n",
        "1\r\nab0\r\n\r\n",
      ]),
      "latin1",
    );
  },
  (draft, random) => {
    draft.method = choose(random, [
      "GET",
      "PUT",
      "DELETE",
      "OPTIONS",
      "HEAD",
      "TRACE",
      "CONNECT",
      "PATCH",
      "BREW",
      "post",
      "P\u0000ST",
      "QUERY",
    ]);
  },
  (draft, random) => {
    draft.version = choose(random, [
      "HTTP/1.0",
      "HTTP/9.9",
      "HTTP/2.0",
      "HTTP/1.1 ",
      "ICY/1.1",
      "http/1.1",
      "",
    ]);
  },
  (draft, random) => {
    draft.target = choose(random, [
      "http://other.example/nexus/endpoints/fuzz/services/s/op",
      "*",
      "",
      "//",
      "\u0000",
      "/".repeat(5_000),
      `/nexus/endpoints/${"a".repeat(9_000)}/services/s/op`,
      "/nexus/endpoints//services//",
      "/nexus/endpoints/fuzz/services/%/%",
      "example.com:443",
    ]);
  },
  (draft, random) => {
    draft.lines.push(
      choose(random, [
        "no colon",
        ": no name",
        "Bad Name: x",
        "X:\u0001",
        " Folded: x",
        "X-\u00e4: y",
        "\tcontinued",
        "X: a\rb",
      ]),
    );
  },
  (draft, random) => {
    draft.body = Buffer.from(
      Array.from({ length: Math.floor(random() * 400) }, () => Math.floor(random() * 256)),
    );
  },
  (draft, random) => {
    draft.lines = draft.lines.filter((line) => !line.startsWith("Authorization"));
    draft.lines.push(
      `Authorization: ${choose(random, ["Bearer", "Bearer ey.ey.ey", "Basic !!!", "Basic Og==", "Digest x", "\u00ff", `Bearer ${"a".repeat(7_000)}`, "Bearer eyJhbGciOiJub25lIn0.e30."])}`,
    );
  },
  (draft, random) => {
    draft.target += `${draft.target.includes("?") ? "&" : "?"}${choose(random, ["callback=", "callback=ftp://x", "callback=%zz", "callback=http://169.254.169.254/", "wait=1e9s", "limit=-1", "limit=99999999999", "cursor=AAAA", "token=%00", "a".repeat(4_000)])}`;
  },
];

function split(bytes: Buffer, random: Random): Buffer[] {
  const pieces: Buffer[] = [];
  let from = 0;
  for (let n = 1 + Math.floor(random() * 4); n > 0; n -= 1) {
    const to = from + Math.floor(random() * (bytes.length - from));
    pieces.push(bytes.subarray(from, to));
    from = to;
  }
  pieces.push(bytes.subarray(from));
  return pieces.filter((piece) => piece.length > 0);
}
