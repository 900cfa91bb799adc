const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const time = String.raw`(\d{2}):(\d{2}):(\d{2})`;
const imfFixdate = new RegExp(
  String.raw`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d{2}) ([A-Z][a-z]{2}) (\d{4}) ${time} GMT$`,
);
const rfc850 = new RegExp(
  String.raw`^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (\d{2})-([A-Z][a-z]{2})-(\d{2}) ${time} GMT$`,
);
const asctime = new RegExp(
  String.raw`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([A-Z][a-z]{2}) ([ \d]\d) ${time} (\d{4})$`,
);
const rfc3339 =
  /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9})|,(\d+))?(Z|[+-]\d{2}:\d{2})$/;

/** Strict, where `Date.parse` takes nearly anything: IMF-fixdate, RFC 850, asctime (protocol.md 1.8). */
export function parseHttpDate(text: string): Date | undefined {
  const fixdate = imfFixdate.exec(text);
  if (fixdate !== null) {
    const [, day, month, year, h, m, s] = fixdate;
    return utc(Number(year), month, Number(day), h, m, s);
  }
  const old = rfc850.exec(text);
  if (old !== null) {
    const [, day, month, short, h, m, s] = old;
    const year = Number(short);
    // Go's rule for two digits.
    return utc(year >= 69 ? 1900 + year : 2000 + year, month, Number(day), h, m, s);
  }
  const c = asctime.exec(text);
  if (c === null) return undefined;
  const [, month, day, h, m, s, year] = c;
  return utc(Number(year), month, Number(day), h, m, s);
}

/** RFC 3339 with `T` and `Z` in upper case, up to nine digits after a dot; nanoseconds below the millisecond are cut. */
export function parseRfc3339(text: string): Date | undefined {
  const match = rfc3339.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, h, m, s, dot, comma, zone = "Z"] = match;
  const base = utc(Number(year), months[Number(month) - 1], Number(day), h, m, s);
  const offset = offsetMs(zone);
  if (base === undefined || offset === undefined) return undefined;
  // Digits are cut as text: a float multiplication would lose a millisecond now and then.
  const ms = Number((dot ?? comma ?? "").slice(0, 3).padEnd(3, "0"));
  return new Date(base.getTime() + ms - offset);
}

export function formatHttpDate(date: Date): string {
  return date.toUTCString();
}

export function formatRfc3339(date: Date): string {
  return date.toISOString();
}

function offsetMs(zone: string): number | undefined {
  if (zone === "Z") return 0;
  const hours = Number(zone.slice(1, 3));
  const rest = Number(zone.slice(4, 6));
  if (hours > 24 || rest > 59) return undefined;
  const minutes = hours * 60 + rest;
  return (zone.startsWith("-") ? -minutes : minutes) * 60_000;
}

function utc(
  year: number,
  monthName: string | undefined,
  day: number,
  h = "",
  m = "",
  s = "",
): Date | undefined {
  const month = months.indexOf(monthName ?? "");
  const date = new Date(Date.UTC(year, month, day, Number(h), Number(m), Number(s)));
  date.setUTCFullYear(year);
  const real =
    date.getUTCMonth() === month &&
    date.getUTCDate() === day &&
    Number(h) < 24 &&
    Number(m) < 60 &&
    Number(s) < 60;
  return month >= 0 && real ? date : undefined;
}
