/** `typ` of the JWT in `Nexus-Mesh-Caller-Identity`, so that no other token of the mesh passes for one. */
export const callerIdentityType = "nexus-mesh-caller+jwt";

/** How long one is good for. */
export const callerIdentitySeconds = 60;

/** Claims of the signed caller identity on every dispatched request. */
export interface CallerIdentityClaims {
  /** The gateway's public URL. */
  readonly iss: string;
  /** The target URL of the endpoint, as registered. */
  readonly aud: string;
  /** Caller namespace. */
  readonly sub: string;
  /** Subject of the caller's credential. */
  readonly principal: string;
  readonly endpoint: string;
  /** Seconds since 1970. */
  readonly iat: number;
  readonly exp: number;
}
