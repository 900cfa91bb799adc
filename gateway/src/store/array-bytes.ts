/** `oid` of the elements, and how many bytes one has, where all have the same. */
const elementTypes = {
  boolean: { oid: 16, size: 1 },
  bytea: { oid: 17, size: undefined },
  bigint: { oid: 20, size: 8 },
  smallint: { oid: 21, size: 2 },
  int: { oid: 23, size: 4 },
  xid: { oid: 28, size: 4 },
  text: { oid: 25, size: undefined },
  float8: { oid: 701, size: 8 },
  uuid: { oid: 2950, size: 16 },
} as const;

export type ElementType = keyof typeof elementTypes;

const headerBytes = 20;
const nullLength = -1;

/**
 * A one-dimensional array as Postgres receives it in binary. As text each element costs the server 0.8 µs to parse, and
 * bytes arrive twice as long; pg sends a Buffer as binary.
 */
export function arrayBytes(type: ElementType, values: readonly unknown[]): Buffer {
  const { oid, size } = elementTypes[type];
  const texts = type === "text" ? values.map(textBytes) : values;
  let length = headerBytes;
  for (const value of texts)
    length += 4 + (value === null ? 0 : (size ?? bytesOf(type, value).length));
  const bytes = Buffer.allocUnsafe(length);
  bytes.writeInt32BE(values.length === 0 ? 0 : 1, 0);
  bytes.writeInt32BE(texts.includes(null) ? 1 : 0, 4);
  bytes.writeInt32BE(oid, 8);
  // Without a dimension the header ends here.
  if (values.length === 0) return bytes.subarray(0, 12);
  bytes.writeInt32BE(values.length, 12);
  bytes.writeInt32BE(1, 16);
  let at = headerBytes;
  for (const value of texts) {
    if (value === null) {
      at = bytes.writeInt32BE(nullLength, at);
      continue;
    }
    at = bytes.writeInt32BE(size ?? bytesOf(type, value).length, at);
    at = write(type, bytes, value, at);
  }
  return bytes;
}

function textBytes(value: unknown): Buffer | null {
  if (value === null) return null;
  if (typeof value !== "string") throw mismatch("text", value);
  return Buffer.from(value);
}

function bytesOf(type: ElementType, value: unknown): Buffer {
  if (!Buffer.isBuffer(value)) throw mismatch(type, value);
  return value;
}

/** Returns where the next element begins. */
function write(type: ElementType, bytes: Buffer, value: unknown, at: number): number {
  switch (type) {
    case "text":
    case "bytea":
      return at + bytesOf(type, value).copy(bytes, at);
    case "uuid":
      if (typeof value !== "string" || bytes.write(hexOf(value), at, 16, "hex") !== 16)
        throw mismatch(type, value);
      return at + 16;
    case "boolean":
      if (typeof value !== "boolean") throw mismatch(type, value);
      return bytes.writeUInt8(value ? 1 : 0, at);
    case "smallint":
    case "int":
    case "xid":
    case "bigint":
    case "float8":
      if (typeof value !== "number") throw mismatch(type, value);
      return writeNumber(type, bytes, value, at);
  }
}

function writeNumber(
  type: "smallint" | "int" | "xid" | "bigint" | "float8",
  bytes: Buffer,
  value: number,
  at: number,
): number {
  switch (type) {
    case "smallint":
      return bytes.writeInt16BE(value, at);
    case "int":
      return bytes.writeInt32BE(value, at);
    case "xid":
      return bytes.writeUInt32BE(value, at);
    case "bigint":
      return bytes.writeBigInt64BE(BigInt(value), at);
    case "float8":
      return bytes.writeDoubleBE(value, at);
  }
}

function hexOf(uuid: string): string {
  return (
    uuid.slice(0, 8) +
    uuid.slice(9, 13) +
    uuid.slice(14, 18) +
    uuid.slice(19, 23) +
    uuid.slice(24, 36)
  );
}

/** Names no value: it may be a payload. */
function mismatch(type: ElementType, value: unknown): TypeError {
  return new TypeError(`a value of an array of ${type} is a ${typeof value}`);
}
