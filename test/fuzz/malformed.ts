import { brokenFraming, plain, type Written } from "./broken-framing.ts";
import { brokenParts } from "./broken-parts.ts";
import type { Random } from "./random.ts";
import { wellFormed, type Known } from "./well-formed.ts";

/** Bytes for one connection. */
export interface Malformed {
  /** What was done to it, for the report. */
  readonly faults: readonly string[];
  /** Written one after the other. */
  readonly chunks: readonly Buffer[];
  /** Between the chunks. */
  readonly pauseMs: number;
  /** Requests that may be answered, as the client meant it. */
  readonly requests: number;
  /** How the client goes when no more answers come. */
  readonly leave: "close" | "half-close" | "reset";
}

/** Those that Node's parser lets through come twice: what is behind it is ours. */
const breaks = [
  ...Object.keys(brokenParts),
  ...["bad escape", "dots and slashes", "junk query", "junk in a known header", "junk body"],
];

/** No request at all. */
const strangers = [
  Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]),
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  Buffer.from("\r\n\r\n\r\n"),
  Buffer.from([0]),
  Buffer.from("GET"),
  Buffer.from("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"),
];

/** Everything that is random of one connection is drawn here, so that the seed repeats it. */
export function malformed(random: Random, known: Known): Malformed {
  const leave = random.pick(["close", "close", "close", "half-close", "reset"] as const);
  if (random.chance(0.03)) {
    const bytes = random.chance(0.5) ? random.pick(strangers) : random.bytes(random.int(1, 300));
    return { faults: ["no request"], chunks: [bytes], pauseMs: 0, requests: 1, leave };
  }
  const requests = random.chance(0.12) ? random.int(2, 6) : 1;
  const faults: string[] = requests > 1 ? ["pipelined"] : [];
  const chunks: Buffer[] = [];
  let pauseMs = 0;
  for (let n = 0; n < requests; n += 1) {
    const one = oneRequest(random, known);
    faults.push(...one.faults);
    pauseMs = Math.max(pauseMs, one.written.pauseMs);
    const ends = [...one.written.cuts, one.written.bytes.length];
    ends.forEach((end, at) =>
      chunks.push(one.written.bytes.subarray(at === 0 ? 0 : ends[at - 1], end)),
    );
  }
  // Pipelined means that they arrive together.
  const together = requests > 1 && pauseMs === 0 ? [Buffer.concat(chunks)] : chunks;
  return { faults, chunks: together, pauseMs, requests, leave };
}

function oneRequest(random: Random, known: Known): { faults: string[]; written: Written } {
  const parts = wellFormed(random, known);
  const faults: string[] = [];
  for (let n = random.pick([0, 1, 1, 1, 1, 2]); n > 0; n -= 1) {
    const fault = random.pick(breaks);
    brokenParts[fault]?.(parts, random);
    faults.push(fault);
  }
  const reframed = faults.length === 0 || random.chance(0.25);
  const fault = random.pick(Object.keys(brokenFraming));
  const frame = reframed ? (brokenFraming[fault] ?? plain) : plain;
  if (reframed) faults.push(fault);
  return { faults, written: frame(parts, random) };
}
