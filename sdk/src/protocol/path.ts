export class MalformedPath extends Error {
  override readonly name = "MalformedPath";
}

export type NexusRoute =
  | { readonly kind: "start"; readonly service: string; readonly operation: string }
  | {
      readonly kind: "cancel";
      readonly service: string;
      readonly operation: string;
      readonly token?: string;
    };

/**
 * Splits the still escaped path behind the base (`service/operation`, `…/cancel`, `…/{token}/cancel`), then decodes each
 * part (protocol.md 1.4); `undefined` = no route. A leading slash is allowed, a trailing one is an extra part.
 * @throws MalformedPath for an escape that can't be decoded.
 */
export function splitNexusPath(rawPath: string): NexusRoute | undefined {
  const parts = (rawPath.startsWith("/") ? rawPath.slice(1) : rawPath)
    .split("/")
    .map(decodeSegment);
  const [service = "", operation = "", third, fourth] = parts;
  if (parts.length === 2) return { kind: "start", service, operation };
  if (parts.length === 3 && third === "cancel") return { kind: "cancel", service, operation };
  // Sent by Temporal up to 1.29.
  if (parts.length === 4 && fourth === "cancel" && third !== undefined)
    return { kind: "cancel", service, operation, token: third };
  return undefined;
}

export function startPath(service: string, operation: string): string {
  return `/${encodeSegment(service)}/${encodeSegment(operation)}`;
}

export function cancelPath(service: string, operation: string): string {
  return `${startPath(service, operation)}/cancel`;
}

/**
 * Go's `PathEscape`: raw are letters, digits and `-_.~$&+=:@`.
 * @throws MalformedPath for a name that no URL can carry: `.` and `..` would be resolved away, lone surrogates are no text.
 */
export function encodeSegment(name: string): string {
  if (name === "." || name === "..")
    throw new MalformedPath(`${JSON.stringify(name)} can't be a name: URLs resolve it away`);
  if (/^[A-Za-z0-9_-]+$/.test(name)) return name;
  try {
    return encodeURIComponent(name)
      .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
      .replace(/%(24|26|2B|3D|3A|40)/g, (escape) => decodeURIComponent(escape));
  } catch (error) {
    throw new MalformedPath(`${JSON.stringify(name)} is not well-formed text`, { cause: error });
  }
}

/** A form-encoded query; of a repeated name the first value wins, and bad escapes are refused rather than dropped. */
export function parseQuery(raw: string): Record<string, string> {
  const values = Object.create(null) as Record<string, string>;
  for (const pair of raw.split("&")) {
    if (pair === "") continue;
    const at = pair.indexOf("=");
    const name = decodeSegment((at === -1 ? pair : pair.slice(0, at)).replaceAll("+", " "));
    values[name] ??= at === -1 ? "" : decodeSegment(pair.slice(at + 1).replaceAll("+", " "));
  }
  return values;
}

function decodeSegment(raw: string): string {
  try {
    return decodeURIComponent(raw);
  } catch (error) {
    throw new MalformedPath(`${JSON.stringify(raw)} is not percent-encoded UTF-8`, {
      cause: error,
    });
  }
}
