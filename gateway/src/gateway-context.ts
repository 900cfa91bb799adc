import type { Registry } from "@nexus-mesh/registry/registry";
import type { Logger } from "pino";
import type { AdjustableClock } from "./clock.ts";
import type { ReachCrashPoint } from "./crash-points.ts";
import type { Egress } from "./identity/egress.ts";
import type { Keyring } from "./identity/keyring.ts";
import type { Metrics } from "./metrics.ts";
import type { GatewayOptions } from "./options.ts";
import type { Store } from "./store/store.ts";

/** What every part of the gateway is given; made once in `server.ts`, closed in reverse order. */
export interface GatewayContext {
  readonly options: GatewayOptions;
  readonly clock: AdjustableClock;
  readonly log: Logger;
  readonly registry: Registry;
  readonly store: Store;
  readonly keys: Keyring;
  readonly egress: Egress;
  readonly metrics: Metrics;
  readonly crash: ReachCrashPoint;
}
