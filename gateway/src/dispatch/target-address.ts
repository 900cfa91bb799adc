export interface TargetAddress {
  /** As `URL.origin` spells it. */
  readonly origin: string;
  /** Path and query as they stand. */
  readonly whole: string;
  /** The path without a trailing slash. */
  readonly prefix: string;
  /** Without the question mark. */
  readonly query: string;
}

const parsed = new Map<string, TargetAddress>();
const limit = 10_000;

/** Parsed once per URL; the same few come again and again, and `new URL` with its setters costs 15 µs. */
export function targetAddress(url: string): TargetAddress {
  const known = parsed.get(url);
  if (known !== undefined) return known;
  const { origin, pathname, search } = new URL(url);
  const address = {
    origin,
    whole: pathname + search,
    prefix: pathname.replace(/\/$/, ""),
    query: search.slice(1),
  };
  if (parsed.size >= limit) parsed.clear();
  parsed.set(url, address);
  return address;
}

/** The target's own path and query are kept; `new URL(path, base)` would drop them. */
export function pathAt(address: TargetAddress, path: string, query = ""): string {
  const both =
    address.query === "" || query === "" ? address.query + query : `${address.query}&${query}`;
  return both === "" ? address.prefix + path : `${address.prefix}${path}?${both}`;
}
