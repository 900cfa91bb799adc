import { BlockList, isIP } from "node:net";
import { parseMasterKeys } from "../identity/master-key.ts";
import type { LogLevel } from "../log.ts";
import { defaultGatewayOptions, type GatewayOptions } from "../options.ts";
import { ConfigurationError } from "./configuration-error.ts";

/** The flags of `serve`, as commander hands them over. */
export interface ServeFlags {
  readonly publicUrl?: string;
  readonly host?: string;
  readonly port?: number;
  readonly opsHost?: string;
  readonly opsPort?: number;
  readonly insecure?: boolean;
  readonly trustedProxy?: readonly string[];
  readonly maxPayload?: number;
  readonly poolSize?: number;
  readonly retentionDays?: number;
  readonly allowUnsafeDatabase?: boolean;
  readonly logLevel?: LogLevel;
  readonly dev?: boolean;
  readonly dataDir?: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Nothing that holds data has a default: all that is missing is named at once. */
export function resolveOptions(flags: ServeFlags, environment: Environment): GatewayOptions {
  const required = requireSettings(flags, environment);
  const host = flags.host ?? defaultGatewayOptions.host;
  const trustedProxies = flags.trustedProxy ?? [];
  if (!isLoopback(host) && flags.insecure !== true && trustedProxies.length === 0) {
    throw new ConfigurationError(
      `${host} is reachable from other machines, and this listener speaks plain http: give --trusted-proxy CIDR for the proxy that ends TLS in front of it, or --insecure to accept tokens in clear text`,
    );
  }
  return { ...required, ...listenOptions(flags), trustedProxies };
}

/** What `--dev` and production have in common. */
export function listenOptions(
  flags: ServeFlags,
): Omit<GatewayOptions, "databaseUrl" | "publicUrl" | "masterKeys"> {
  const port = flags.port ?? defaultGatewayOptions.port;
  return {
    ...defaultGatewayOptions,
    host: flags.host ?? defaultGatewayOptions.host,
    port,
    opsHost: flags.opsHost ?? defaultGatewayOptions.opsHost,
    opsPort: flags.opsPort ?? (port === 0 ? 0 : port + 1),
    maxPayloadBytes: flags.maxPayload ?? defaultGatewayOptions.maxPayloadBytes,
    poolSize: flags.poolSize ?? defaultGatewayOptions.poolSize,
    retentionDays: flags.retentionDays ?? defaultGatewayOptions.retentionDays,
    allowUnsafeDatabase: flags.allowUnsafeDatabase ?? false,
  };
}

/** Of all commands that need the database and its secrets. */
export function requireSettings(
  flags: Pick<ServeFlags, "publicUrl">,
  environment: Environment,
): Pick<GatewayOptions, "databaseUrl" | "publicUrl" | "masterKeys"> {
  const databaseUrl = environment["DATABASE_URL"] ?? "";
  const masterKey = environment["NEXUS_MESH_MASTER_KEY"] ?? "";
  const publicUrl = flags.publicUrl ?? environment["NEXUS_MESH_PUBLIC_URL"] ?? "";
  const missing = [
    ...(databaseUrl === "" ? ["DATABASE_URL (postgres://user:password@host:5432/database)"] : []),
    ...(masterKey === ""
      ? ["NEXUS_MESH_MASTER_KEY (32 random bytes, for instance of: openssl rand -base64 32)"]
      : []),
    ...(publicUrl === "" ? ["--public-url (what callers and handlers reach this mesh at)"] : []),
  ];
  if (missing.length > 0) {
    throw new ConfigurationError(
      `please set ${missing.join(", ")}; or try it without any of them: nexus-mesh-gateway serve --dev`,
    );
  }
  const masterKeys = readMasterKeys(masterKey);
  return { databaseUrl, masterKeys, publicUrl: readPublicUrl(publicUrl) };
}

export function requireMasterKeys(environment: Environment): readonly string[] {
  const masterKey = environment["NEXUS_MESH_MASTER_KEY"] ?? "";
  if (masterKey === "")
    throw new ConfigurationError('please set NEXUS_MESH_MASTER_KEY ("new,old" while rotating)');
  return readMasterKeys(masterKey);
}

function readMasterKeys(text: string): readonly string[] {
  const masterKeys = text.split(",").map((key) => key.trim());
  try {
    parseMasterKeys(masterKeys);
  } catch (error) {
    throw new ConfigurationError(
      `NEXUS_MESH_MASTER_KEY: ${error instanceof Error ? error.message : "it can't be read"}`,
      { cause: error },
    );
  }
  return masterKeys;
}

export function requireDatabaseUrl(environment: Environment): string {
  const databaseUrl = environment["DATABASE_URL"] ?? "";
  if (databaseUrl === "") {
    throw new ConfigurationError(
      "please set DATABASE_URL (postgres://user:password@host:5432/database)",
    );
  }
  return databaseUrl;
}

function readPublicUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== "" || url.hash !== "")
    throw new ConfigurationError(
      `--public-url must be an http or https URL without query: ${JSON.stringify(text)}`,
    );
  return url.href.replace(/\/+$/, "");
}

export function isLoopback(host: string): boolean {
  if (host === "localhost") return true;
  const loopback = new BlockList();
  loopback.addSubnet("127.0.0.0", 8, "ipv4");
  loopback.addAddress("::1", "ipv6");
  const family = isIP(host);
  return family !== 0 && loopback.check(host, family === 6 ? "ipv6" : "ipv4");
}
