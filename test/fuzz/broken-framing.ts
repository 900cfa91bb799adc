import { huge } from "./junk.ts";
import type { Random } from "./random.ts";
import { header, type RequestParts } from "./well-formed.ts";

/** How the body is delimited and cut into pieces. */
export interface Written {
  bytes: Buffer;
  cuts: number[];
  pauseMs: number;
}

type Frame = (parts: RequestParts, random: Random) => Written;

export const plain: Frame = (parts) =>
  whole(parts, [header("Content-Length", String(parts.body.length))], parts.body);

/** Bodies that are delimited wrongly, or cut so that they arrive in pieces. */
export const brokenFraming: Readonly<Record<string, Frame>> = {
  "length too long": (parts, random) =>
    whole(
      parts,
      [header("Content-Length", String(parts.body.length + random.int(1, 5_000)))],
      parts.body,
    ),
  "length too short": (parts, random) =>
    whole(parts, [header("Content-Length", String(random.int(0, parts.body.length)))], parts.body),
  "conflicting lengths": (parts, random) =>
    whole(
      parts,
      [
        header("Content-Length", String(parts.body.length)),
        header("Content-Length", String(random.int(0, 99))),
      ],
      parts.body,
    ),
  "bad length": (parts, random) =>
    whole(
      parts,
      [header("Content-Length", random.pick([...huge, "1, 1", "abc", " ", "0x5", "3000000"]))],
      parts.body,
    ),
  "length and chunks": (parts, random) =>
    whole(
      parts,
      [
        header("Content-Length", String(random.int(0, 50))),
        header(
          "Transfer-Encoding",
          random.pick(["chunked", "Chunked", " chunked", "chunked, identity"]),
        ),
      ],
      chunked(parts.body, random),
    ),
  "other transfer encoding": (parts, random) =>
    whole(
      parts,
      [
        header(
          "Transfer-Encoding",
          random.pick([
            "gzip",
            "identity",
            "gzip, chunked",
            "chunked, chunked",
            "xchunked",
            "chunked\0",
          ]),
        ),
      ],
      chunked(parts.body, random),
    ),
  "split chunks": (parts, random) => {
    const written = whole(
      parts,
      [header("Transfer-Encoding", "chunked")],
      chunked(parts.body, random),
    );
    return { ...written, cuts: cuts(written.bytes, random, 8), pauseMs: random.int(0, 3) };
  },
  "bad chunk size": (parts, random) => {
    const size = random.pick([
      "zz",
      "-1",
      "0x5",
      "F".repeat(17),
      "",
      " 5",
      "5;",
      `5;${"x".repeat(20_000)}`,
      "FFFFFFFFFFFFFFFF",
      "5\n",
      "7FFFFFFF",
    ]);
    return whole(
      parts,
      [header("Transfer-Encoding", "chunked")],
      Buffer.from(`${size}\r\nhello\r\n0\r\n\r\n`),
    );
  },
  "bad trailers": (parts, random) =>
    whole(
      parts,
      [header("Transfer-Encoding", "chunked")],
      Buffer.from(
        `0\r\n${random.pick(["Content-Length: 5", "X", ": v", `X: ${"t".repeat(20_000)}`, "Authorization: Bearer x"])}\r\n\r\n`,
      ),
    ),
  "slow body": (parts, random) => {
    const written = plain(parts, random);
    return { ...written, cuts: cuts(written.bytes, random, 5), pauseMs: random.int(20, 120) };
  },
  split: (parts, random) => {
    const written = plain(parts, random);
    return { ...written, cuts: cuts(written.bytes, random, 12) };
  },
  "cut off": (parts, random) => {
    const written = plain(parts, random);
    return { ...written, bytes: written.bytes.subarray(0, random.int(1, written.bytes.length)) };
  },
  "flipped bits": (parts, random) => {
    const written = plain(parts, random);
    const bytes = Buffer.from(written.bytes);
    for (let n = random.int(1, 6); n > 0; n -= 1) {
      const at = random.int(0, Math.min(bytes.length, 2_000) - 1);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.int(0, 7));
    }
    return { ...written, bytes };
  },
  "bare line feeds": (parts, random) => {
    const written = plain(parts, random);
    return {
      ...written,
      bytes: Buffer.from(
        written.bytes.toString("latin1").replaceAll("\r\n", random.pick(["\n", "\r", "\r\r\n"])),
        "latin1",
      ),
    };
  },
};

function whole(parts: RequestParts, framing: [Buffer, Buffer][], body: Buffer): Written {
  const lines: Buffer[] = [
    Buffer.from(`${parts.method} `, "latin1"),
    parts.target,
    Buffer.from(` ${parts.version}\r\n`),
  ];
  for (const [name, value] of [...parts.headers, ...framing])
    lines.push(name, Buffer.from(": "), value, Buffer.from("\r\n"));
  return { bytes: Buffer.concat([...lines, Buffer.from("\r\n"), body]), cuts: [], pauseMs: 0 };
}

function chunked(body: Buffer, random: Random): Buffer {
  const out: Buffer[] = [];
  for (let at = 0; at < body.length;) {
    const size = random.int(1, Math.max(1, Math.min(body.length - at, 64 * 1024)));
    out.push(
      Buffer.from(`${size.toString(16)}\r\n`),
      body.subarray(at, at + size),
      Buffer.from("\r\n"),
    );
    at += size;
  }
  return Buffer.concat([...out, Buffer.from("0\r\n\r\n")]);
}

/** Where the bytes are cut in pieces, ascending. */
function cuts(bytes: Buffer, random: Random, most: number): number[] {
  const found = new Set<number>();
  for (let n = random.int(1, most); n > 0; n -= 1)
    found.add(random.int(1, Math.max(1, bytes.length - 1)));
  return [...found].sort((a, b) => a - b);
}
