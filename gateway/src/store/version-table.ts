import { arrayHeader, arrayHeaderBytes } from "./array-bytes.ts";
import type { HeadVersion } from "./watched.ts";

/** `tid[]` and `xid[]` as Postgres receives them. */
export interface VersionArrays {
  readonly tids: Buffer;
  readonly xids: Buffer;
}

/** An element and its length. */
const tidBytes = 4 + 6;
const xidBytes = 4 + 4;

/**
 * Versions of heads, kept in the form in which they are sent: building the arrays of 20,000 anew ten times a second took
 * as long as the look itself.
 */
export class VersionTable<Owner> {
  readonly #slots = new Map<Owner, number>();
  readonly #owners: Owner[] = [];
  #tids: Buffer = Buffer.alloc(arrayHeaderBytes);
  #xids: Buffer = Buffer.alloc(arrayHeaderBytes);

  /** In the order of the arrays. */
  owners(): Owner[] {
    return [...this.#owners];
  }

  /** Copies: a statement may have to wait for a connection while versions come and go. */
  arrays(): VersionArrays {
    const count = this.#owners.length;
    const copy = (type: "tid" | "xid", from: Buffer, bytes: number): Buffer => {
      if (count === 0) return arrayHeader(type, 0);
      const array = Buffer.from(from.subarray(0, arrayHeaderBytes + count * bytes));
      arrayHeader(type, count).copy(array);
      return array;
    };
    return {
      tids: copy("tid", this.#tids, tidBytes),
      xids: copy("xid", this.#xids, xidBytes),
    };
  }

  set(owner: Owner, { block, offset, xid }: HeadVersion): void {
    const slot = this.#slots.get(owner) ?? this.#owners.push(owner) - 1;
    this.#slots.set(owner, slot);
    this.#tids = roomFor(this.#tids, slot, tidBytes);
    this.#xids = roomFor(this.#xids, slot, xidBytes);
    let at = arrayHeaderBytes + slot * tidBytes;
    at = this.#tids.writeInt32BE(tidBytes - 4, at);
    at = this.#tids.writeUInt32BE(block, at);
    this.#tids.writeUInt16BE(offset, at);
    at = this.#xids.writeInt32BE(xidBytes - 4, arrayHeaderBytes + slot * xidBytes);
    this.#xids.writeUInt32BE(xid, at);
  }

  /** The last one takes its place. */
  delete(owner: Owner): void {
    const slot = this.#slots.get(owner);
    if (slot === undefined) return;
    this.#slots.delete(owner);
    const last = this.#owners.pop();
    if (last === undefined || last === owner) return;
    this.#owners[slot] = last;
    this.#slots.set(last, slot);
    move(this.#tids, this.#owners.length, slot, tidBytes);
    move(this.#xids, this.#owners.length, slot, xidBytes);
  }
}

function roomFor(bytes: Buffer, slot: number, size: number): Buffer {
  const needed = arrayHeaderBytes + (slot + 1) * size;
  if (needed <= bytes.length) return bytes;
  const larger = Buffer.alloc(arrayHeaderBytes + 2 * (slot + 1) * size);
  bytes.copy(larger);
  return larger;
}

function move(bytes: Buffer, from: number, to: number, size: number): void {
  bytes.copy(
    bytes,
    arrayHeaderBytes + to * size,
    arrayHeaderBytes + from * size,
    arrayHeaderBytes + (from + 1) * size,
  );
}
