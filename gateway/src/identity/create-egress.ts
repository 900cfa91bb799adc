import { lookup as dnsLookup, type LookupAddress, type LookupOptions } from "node:dns";
import type { EgressPolicy, Registry } from "@nexus-mesh/registry/registry";
import { Dispatcher, Pool, buildConnector } from "undici";
import { ApiError } from "../api-error.ts";
import { EgressRefused, type Egress } from "./egress.ts";
import { addressAllowed, admit, type Admission } from "./egress-rules.ts";

type Resolve = (
  host: string,
  options: LookupOptions & { all: true },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export interface EgressParts {
  readonly registry: Pick<Registry, "snapshot">;
  readonly resolve?: Resolve;
  readonly connectTimeoutMs?: number;
}

/** What a policy said of an origin: policies are replaced, never changed, and ask the same origins again and again. */
const admissions = new WeakMap<EgressPolicy, Map<string, Admission>>();
const rememberedOrigins = 1_000;

function admitOrigin(policy: EgressPolicy, url: URL): Admission {
  const known = admissions.get(policy) ?? new Map<string, Admission>();
  admissions.set(policy, known);
  const { origin } = url;
  let admission = known.get(origin);
  if (admission === undefined) {
    admission = admit(policy, url);
    if (known.size >= rememberedOrigins) known.clear();
    known.set(origin, admission);
  }
  return admission;
}

interface NamespacePools {
  readonly version: number;
  readonly pools: Map<string, Pool>;
}

const originsPerNamespace = 256;
const connectionsPerOrigin = 512;
const unknownNamespace = -1;

const pointers = { INVALID_TARGET_URL: "/target/url", INVALID_CALLBACK_URL: "query:callback" };

/** Pools live as long as the policy they were made under, so that no connection outlives a rule that allowed it. */
export function createEgress(parts: EgressParts): Egress {
  const { registry, resolve = dnsLookup, connectTimeoutMs = 10_000 } = parts;
  const namespaces = new Map<number, NamespacePools>();
  const dispatchers = new Map<number, Dispatcher>();
  const closing = new Set<Promise<void>>();

  return {
    check(namespaceId, url, invalid) {
      if (url.protocol !== "https:" && url.protocol !== "http:")
        throw malformed(invalid, `${url.protocol}// is not http or https`);
      if (url.username !== "" || url.password !== "")
        throw malformed(invalid, "credentials don't belong into the URL");
      const policy = policyOf(namespaceId);
      const admission = policy === undefined ? unknown() : admitOrigin(policy, url);
      if (!admission.allowed) {
        throw new ApiError("EGRESS_DENIED", admission.reason, {
          hint: `An admin can allow it: nexus-mesh egress put ${nameOf(namespaceId)}`,
          violations: [{ pointer: pointers[invalid], rule: "egress", detail: admission.reason }],
        });
      }
    },

    dispatcher(namespaceId) {
      const known = dispatchers.get(namespaceId);
      if (known !== undefined) return known;
      const made = new NamespaceDispatcher((origin) => poolFor(namespaceId, origin));
      dispatchers.set(namespaceId, made);
      return made;
    },

    async close() {
      for (const { pools } of namespaces.values()) retire(pools.values());
      namespaces.clear();
      dispatchers.clear();
      await Promise.all(closing);
    },
  };

  function poolFor(namespaceId: number, origin: string): Pool {
    const policy = policyOf(namespaceId);
    const version = policy?.version ?? unknownNamespace;
    let entry = namespaces.get(namespaceId);
    if (entry?.version !== version) {
      if (entry !== undefined) retire(entry.pools.values());
      entry = { version, pools: new Map() };
      namespaces.set(namespaceId, entry);
    }
    const { pools } = entry;
    const known = pools.get(origin);
    if (known !== undefined) {
      pools.delete(origin);
      pools.set(origin, known);
      return known;
    }
    for (const [oldest, pool] of pools) {
      if (pools.size < originsPerNamespace) break;
      pools.delete(oldest);
      retire([pool]);
    }
    const pool = new Pool(origin, {
      connections: connectionsPerOrigin,
      connect: connector(policy, new URL(origin)),
      // Callers bound each exchange with a signal of their own.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: 30_000,
      pipelining: 1,
    });
    pools.set(origin, pool);
    return pool;
  }

  function connector(policy: EgressPolicy | undefined, url: URL): buildConnector.connector {
    const admission = policy === undefined ? unknown() : admit(policy, url);
    if (!admission.allowed) {
      const refusal = new EgressRefused(admission.reason);
      return (_options, done) => {
        queueMicrotask(() => {
          done(refusal, null);
        });
      };
    }
    // `lookup` is what the socket itself uses: the address that was checked is the address connected to.
    return buildConnector({
      timeout: connectTimeoutMs,
      lookup: (host: string, options: LookupOptions, done: LookupDone) => {
        resolve(host, { ...options, all: true }, (error, addresses) => {
          if (error !== null) {
            done(error, "", 4);
            return;
          }
          const [first] = addresses;
          const allAllowed = addresses.every((a) => addressAllowed(a.address, admission.cidrs));
          if (first === undefined || !allAllowed) {
            done(new EgressRefused(`${host} resolves to an address that is not allowed`), "", 4);
          } else if (options.all === true) done(null, addresses);
          else done(null, first.address, first.family);
        });
      },
    });
  }

  function retire(pools: Iterable<Pool>): void {
    for (const pool of pools) {
      // Lets what is in flight end.
      const closed = pool
        .close()
        .catch(() => undefined)
        .finally(() => closing.delete(closed));
      closing.add(closed);
    }
  }

  function policyOf(namespaceId: number): EgressPolicy | undefined {
    return registry.snapshot().namespacesById.get(namespaceId)?.egress;
  }

  function nameOf(namespaceId: number): string {
    return registry.snapshot().namespacesById.get(namespaceId)?.name ?? "NAMESPACE";
  }
}

type LookupDone = (error: Error | null, address: string | LookupAddress[], family?: number) => void;

class NamespaceDispatcher extends Dispatcher {
  readonly #poolFor: (origin: string) => Pool;

  constructor(poolFor: (origin: string) => Pool) {
    super();
    this.#poolFor = poolFor;
  }

  override dispatch(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): boolean {
    // `exchange` hands in the origin as `URL` spells it; parsing it again took 2 % of a pass-through call.
    return this.#poolFor(String(options.origin)).dispatch(options, handler);
  }
}

function unknown(): { readonly allowed: false; readonly reason: string } {
  return { allowed: false, reason: "the namespace is gone" };
}

function malformed(code: "INVALID_CALLBACK_URL" | "INVALID_TARGET_URL", detail: string): ApiError {
  return new ApiError(code, detail, {
    hint: "Give an absolute https URL",
    violations: [
      {
        pointer: code === "INVALID_CALLBACK_URL" ? "query:callback" : "/target/url",
        rule: "url",
        detail,
      },
    ],
  });
}
