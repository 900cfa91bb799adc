/** Of paths and queries. */
export const escapes = [
  "%zz",
  "%",
  "%f",
  "%00",
  "%ff",
  "%c0%af",
  "%u0041",
  "%2e%2e%2f",
  "%0d%0aX:y",
];

/** Numbers, durations and what passes for them. */
export const huge = [
  ...["99999999999999999999", "-1", "1e309", "0x10", "NaN", "1.7976931348623157e309", "+5", "٣"],
  ...["9".repeat(400), "18446744073709551616ms", "9007199254740993s", "1e9m", "-0s", "1_000"],
];

/** Values that parsers trip over. */
export const junk = [
  ...["", " ", ",", ";", "null", "{}", "*", '"', "<>", '<http://a>; type="', "a, b, c", "\t"],
  ...["Bearer", "Bearer ", "Basic Og==", "Bearer a b", "ü", "\u{1f680}", "%zz", "x".repeat(3_000)],
  ...['<http://a>; type="t", <', "respond-async;;=", "wait=9e99", 'W/"x"', "gzip, br;q=9"],
  ...["text/plain; charset=", "application/json; charset=utf-99", "multipart/form-data", "a/b/c"],
  ...huge,
];

/** Those that mean something to the gateway, or to HTTP. */
export const knownHeaders = [
  ...["Authorization", "Content-Type", "Content-Encoding", "Nexus-Request-Id", "Nexus-Link"],
  ...["Request-Timeout", "Operation-Timeout", "Nexus-Operation-Token", "Nexus-Operation-State"],
  ...["Nexus-Operation-Start-Time", "Nexus-Operation-Close-Time", "Nexus-Mesh-Completion-Token"],
  ...["Prefer", "Accept", "Accept-Encoding", "If-Match", "If-None-Match", "Cookie", "Host", "Via"],
  ...["Nexus-Mesh-Namespace", "Nexus-Mesh-Input-Digest", "Nexus-Mesh-Schedule-To-Start", "TE"],
  ...["Nexus-Mesh-Start-To-Close", "Temporal-Nexus-Failure-Support", "X-Forwarded-For", "Expect"],
  ...["Connection", "Upgrade", "Keep-Alive", "Trailer", "Range", "Origin", "Content-Location"],
];
