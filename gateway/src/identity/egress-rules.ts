import type { EgressPolicy, EgressRule } from "@nexus-mesh/registry/registry";
import ipaddr from "ipaddr.js";

/** In a rule's `ports`: any port. */
export const anyPort = 0;

export type Admission =
  | { readonly allowed: true; readonly cidrs: readonly string[] }
  | { readonly allowed: false; readonly reason: string };

const publicHttps: EgressRule = { host: "*", ports: [], cidrs: [], plainHttp: false };

/** What can be said before a name is resolved. With no rules: public https hosts on 443. */
export function admit(policy: EgressPolicy, url: URL): Admission {
  const plain = url.protocol === "http:";
  const host = hostOf(url);
  const port = Number(url.port) || (plain ? 80 : 443);
  const rules = policy.rules.length === 0 ? [publicHttps] : policy.rules;
  const byHost = rules.filter((rule) => matchesHost(rule.host, host));
  if (byHost.length === 0) return refused(`host ${host} is not in the policy`);
  const byScheme = byHost.filter((rule) => !plain || rule.plainHttp);
  if (byScheme.length === 0) return refused(`plain http to ${host} is not allowed`);
  const fitting = byScheme.filter((rule) => matchesPort(rule, port, plain));
  if (fitting.length === 0) return refused(`port ${port} of ${host} is not allowed`);
  const cidrs = fitting.flatMap((rule) => rule.cidrs);
  const literal = literalAddress(host);
  if (literal !== undefined && !addressAllowed(literal, cidrs))
    return refused(`${host} is not a public address, and no rule lists a range that covers it`);
  return { allowed: true, cidrs };
}

/** Public, or in a range that a rule lists. Anything that is not plain unicast counts as not public. */
export function addressAllowed(address: string, cidrs: readonly string[]): boolean {
  if (!ipaddr.isValid(address)) return false;
  // `process` turns IPv4-mapped IPv6 into IPv4: the kernel would connect to that.
  const parsed = ipaddr.process(address);
  if (parsed.range() === "unicast") return true;
  return cidrs.some((cidr) => {
    try {
      const [network, bits] = ipaddr.parseCIDR(cidr);
      return network.kind() === parsed.kind() && parsed.match(network, bits);
    } catch {
      return false;
    }
  });
}

/** An IP literal, or what `localhost` always means; undefined for names that must be resolved. */
function literalAddress(host: string): string | undefined {
  if (ipaddr.isValid(host)) return host;
  return host === "localhost" || host.endsWith(".localhost") ? "127.0.0.1" : undefined;
}

export function hostOf(url: URL): string {
  return url.hostname
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "")
    .toLowerCase();
}

function matchesHost(pattern: string, host: string): boolean {
  const wanted = pattern.replace(/^\[|\]$/g, "").toLowerCase();
  if (wanted === "*") return true;
  if (wanted.startsWith("*.")) return host.endsWith(wanted.slice(1));
  return wanted === host;
}

function matchesPort(rule: EgressRule, port: number, plain: boolean): boolean {
  if (rule.ports.length === 0) return port === (plain ? 80 : 443);
  return rule.ports.includes(port) || rule.ports.includes(anyPort);
}

function refused(reason: string): Admission {
  return { allowed: false, reason };
}
