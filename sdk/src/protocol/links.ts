export interface Link {
  /** Absolute, as it stands on the wire. */
  readonly url: string;
  /** `pkg.Type`. */
  readonly type: string;
}

export class MalformedLink extends Error {
  override readonly name = "MalformedLink";
}

const typeGrammar = /^[A-Za-z0-9_./]+$/;

/** All links of the `Nexus-Link` headers; one bad link fails the whole message, as in the reference (protocol.md 1.7). */
export function parseLinks(values: readonly string[]): Link[] {
  if (values.length === 0) return [];
  return values.join(",").split(",").map(parseLink);
}

function parseLink(text: string): Link {
  const match = /^<([^<>]*)>\s*;(.*)$/s.exec(text.trim());
  if (match === null) throw new MalformedLink(`${JSON.stringify(text)} is not <URL>; type="…"`);
  const [, url = "", rest = ""] = match;
  let type: string | undefined;
  for (const parameter of rest.split(";")) {
    const [name = "", value, ...more] = parameter.split("=");
    if (name.trim() === "" || value === undefined || more.length > 0) {
      throw new MalformedLink(`link parameter ${JSON.stringify(parameter)} is not name=value`);
    }
    if (name.trim() === "type") type ??= unquote(value.trim());
  }
  if (type === undefined) throw new MalformedLink("the link has no type");
  return checked({ url, type });
}

/** @throws MalformedLink where the reference could not read what would be written. */
export function formatLink(link: { readonly url: string | URL; readonly type: string }): string {
  // A comma splits the header wherever it stands, so one inside a URL is escaped.
  const url = String(link.url).replaceAll(",", "%2C");
  const { type } = checked({ url, type: link.type });
  return `<${url}>; type="${type}"`;
}

function checked(link: Link): Link {
  if (!typeGrammar.test(link.type))
    throw new MalformedLink(`link type ${JSON.stringify(link.type)} is malformed`);
  if (/[\s<>"]/.test(link.url) || !URL.canParse(link.url)) {
    throw new MalformedLink(`link URL ${JSON.stringify(link.url)} is malformed`);
  }
  const query = link.url.split("#")[0]?.split("?").slice(1).join("?") ?? "";
  if (query.includes(";") || /%(?![0-9A-Fa-f]{2})/.test(query)) {
    throw new MalformedLink(`the query of link URL ${JSON.stringify(link.url)} is malformed`);
  }
  return link;
}

/** One quote alone panics the reference (protocol.md 1.12); here it stays, and is no character of a type. */
function unquote(value: string): string {
  return /^"([^"]*)"$/.exec(value)?.[1] ?? value;
}
