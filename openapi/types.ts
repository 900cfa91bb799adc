export interface paths {
  "/v1/access-checks": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** May this namespace start this operation? */
    post: operations["checkAccess"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/namespaces/{namespace}/callback-secret": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The secret that signs a namespace's callbacks */
    get: operations["getCallbackSecret"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/namespaces/{namespace}/callback-secret/rotate": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Rotate a namespace's callback secret
     * @description Deliveries are signed with both until the next rotation.
     */
    post: operations["rotateCallbackSecret"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/callbacks/{callbackId}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** One callback */
    get: operations["getCallback"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/callbacks": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** List callbacks that were not delivered at once */
    get: operations["listCallbacks"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/callbacks/{callbackId}/redeliver": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Deliver a callback again now */
    post: operations["redeliverCallback"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/namespaces/{namespace}/egress": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Where a namespace's requests may go */
    get: operations["getEgressPolicy"];
    /** Replace a namespace's egress policy */
    put: operations["putEgressPolicy"];
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/endpoints/{endpoint}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** One endpoint */
    get: operations["getEndpoint"];
    /** Create or replace an endpoint */
    put: operations["putEndpoint"];
    post?: never;
    /**
     * Delete an endpoint
     * @description Refused while operations of it run.
     */
    delete: operations["deleteEndpoint"];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/endpoints": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** List the endpoints */
    get: operations["listEndpoints"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/endpoints/{endpoint}/grants/{grant}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    /** Allow a namespace to start operations of an endpoint */
    put: operations["putGrant"];
    post?: never;
    /**
     * Withdraw a grant
     * @description New starts are refused within a second; running operations go on.
     */
    delete: operations["deleteGrant"];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/endpoints/{endpoint}/grants": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** List an endpoint's grants */
    get: operations["listGrants"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/namespaces/{namespace}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** One namespace */
    get: operations["getNamespace"];
    /** Create or replace a namespace */
    put: operations["putNamespace"];
    post?: never;
    /**
     * Delete a namespace
     * @description Refused while it owns endpoints or has operations that run.
     */
    delete: operations["deleteNamespace"];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/namespaces": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** List the namespaces */
    get: operations["listNamespaces"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/operations/{operationId}/cancel": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Ask the handler to cancel
     * @description The wish is recorded; the operation decides how it ends. A repeat does nothing.
     */
    post: operations["cancelOperation"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/operations/{operationId}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** One operation */
    get: operations["getOperation"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/operations/{operationId}/result": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** An operation's result */
    get: operations["getOperationResult"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/operations/{operationId}/attempts": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** What was tried for an operation */
    get: operations["listAttempts"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/operations": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** List operations */
    get: operations["listOperations"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/endpoints/{endpoint}/services/{service}/operations/{operation}/requests/{requestId}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The operation of a request id */
    get: operations["lookupOperation"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/operations/{operationId}/redrive": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Try a parked operation again, or repeat an ended one */
    post: operations["redriveOperation"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/endpoints/{endpoint}/services/{service}/operations/{operation}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Start a durable operation
     * @description The body is the input, any bytes with their `Content-*` headers. It is answered at the commit. The same `Nexus-Request-Id` with the same input answers with the same operation.
     */
    post: operations["startOperation"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/operations/{operationId}/terminate": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** End an operation without asking its handler */
    post: operations["terminateOperation"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/version": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The gateway's version */
    get: operations["getVersion"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/whoami": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** Who the credential speaks for */
    get: operations["whoami"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/namespaces/{namespace}/tokens": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** List a namespace's tokens */
    get: operations["listTokens"];
    put?: never;
    /** Issue a token for a namespace */
    post: operations["issueToken"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/v1/namespaces/{namespace}/tokens/{tokenId}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    post?: never;
    /**
     * Revoke a token
     * @description Within a second on every gateway.
     */
    delete: operations["revokeToken"];
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/nexus/endpoints/{endpoint}/services/{service}/{operation}": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Start an operation, as Nexus over HTTP says
     * @description Pass-through unless the endpoint or `Prefer: respond-async` makes it durable. `code` of the error table is in the failure's metadata.
     */
    post: operations["startNexusOperation"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/nexus/endpoints/{endpoint}/services/{service}/{operation}/cancel": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Cancel an operation, as Nexus over HTTP says */
    post: operations["cancelNexusOperation"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/nexus/endpoints/{endpoint}/services/{service}/{operation}/{token}/cancel": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /** Cancel an operation, in the form of Temporal up to 1.29 */
    post: operations["cancelNexusOperationByPath"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/nexus/callback": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    get?: never;
    put?: never;
    /**
     * Report how an operation ended
     * @description For handlers. The URL and the token come with the start as its callback; the token alone authorises.
     */
    post: operations["completeNexusOperation"];
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/.well-known/jwks.json": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The public keys of tokens, caller identities and webhooks */
    get: operations["getJwks"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
  "/healthz": {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    /** The process answers */
    get: operations["live"];
    put?: never;
    post?: never;
    delete?: never;
    options?: never;
    head?: never;
    patch?: never;
    trace?: never;
  };
}
export type webhooks = Record<string, never>;
export interface components {
  schemas: {
    /**
     * @description What went wrong, as RFC 9457 says it. `code` is stable; texts may change.
     * @example {
     *       "type": "urn:nexus-mesh:error:ENDPOINT_NOT_FOUND",
     *       "title": "The endpoint is unknown",
     *       "status": 404,
     *       "code": "ENDPOINT_NOT_FOUND",
     *       "detail": "endpoint \"analytics\" is not known",
     *       "instance": "/v1/endpoints/analytics",
     *       "retryable": false,
     *       "hint": "nexus-mesh endpoint list shows the endpoints of this mesh"
     *     }
     */
    Problem: {
      type: string;
      title: string;
      status: number;
      /** @enum {string} */
      code:
        | "INVALID_REQUEST"
        | "INVALID_NAME"
        | "INVALID_TIMEOUT"
        | "INVALID_CALLBACK_URL"
        | "INVALID_TARGET_URL"
        | "EGRESS_DENIED"
        | "INVALID_CURSOR"
        | "INVALID_LINK"
        | "UNAUTHENTICATED"
        | "TOKEN_EXPIRED"
        | "TOKEN_REVOKED"
        | "NAMESPACE_REQUIRED"
        | "PERMISSION_DENIED"
        | "GRANT_MISSING"
        | "ROUTE_NOT_FOUND"
        | "ENDPOINT_NOT_FOUND"
        | "NAMESPACE_NOT_FOUND"
        | "OPERATION_NOT_FOUND"
        | "CALLBACK_NOT_FOUND"
        | "GRANT_NOT_FOUND"
        | "TOKEN_NOT_FOUND"
        | "REQUEST_ID_REUSED"
        | "ALREADY_EXISTS"
        | "IN_USE"
        | "OPERATION_CLOSED"
        | "OPERATION_OPEN"
        | "COMPLETION_TOO_LATE"
        | "INVALID_CALLBACK_TOKEN"
        | "VERSION_CONFLICT"
        | "PAYLOAD_TOO_LARGE"
        | "OVERLOADED"
        | "INTERNAL"
        | "STORE_UNAVAILABLE"
        | "DRAINING"
        | "HANDLER_UNREACHABLE"
        | "HANDLER_TIMEOUT";
      /** @description Names the subject and the value. */
      detail: string;
      /** @description The path that was asked for. */
      instance: string;
      /** @description The same request may succeed later. */
      retryable: boolean;
      /** @description What to do, where the gateway knows it. */
      hint?: string;
      errors?: {
        /** @description A JSON pointer into the body, or `header:Name`, `query:name`, `path:name`. */
        pointer: string;
        rule: string;
        detail: string;
      }[];
      /** @description With VERSION_CONFLICT. */
      currentVersion?: number;
      /** @description Where an operation is the reason. */
      operationId?: string;
    };
    /**
     * @example {
     *       "name": "nexus-mesh",
     *       "version": "0.1.0",
     *       "publicUrl": "https://mesh.example.com"
     *     }
     */
    Version: {
      name: string;
      version: string;
      /** @description What callers and handlers reach. */
      publicUrl: string;
    };
    /**
     * @example {
     *       "subject": "ci@storefront",
     *       "tokenId": "0c1f6a5e-9a63-4d3e-8a57-6a7c1d2e3f40",
     *       "role": "caller",
     *       "namespace": "storefront",
     *       "meshWide": false
     *     }
     */
    Whoami: {
      subject: string;
      tokenId: string;
      /** @enum {string} */
      role: "admin" | "owner" | "caller" | "handler" | "viewer";
      /** @description null: a mesh-wide token, and the request names no namespace to act for. */
      namespace: string | null;
      meshWide: boolean;
    };
    /**
     * @example {
     *       "name": "storefront",
     *       "description": "The shop's application team",
     *       "createdAt": "2026-08-14T09:30:00.000Z"
     *     }
     */
    Namespace: {
      /** @example storefront */
      name: string;
      description: string;
      /**
       * Format: date-time
       * @example 2026-08-14T09:30:00.000Z
       */
      createdAt: string;
    };
    /**
     * @example {
     *       "description": "The shop's application team"
     *     }
     */
    NamespaceInput: {
      description?: string;
    };
    /**
     * @example {
     *       "items": [
     *         {
     *           "name": "storefront",
     *           "description": "The shop's application team",
     *           "createdAt": "2026-08-14T09:30:00.000Z"
     *         }
     *       ],
     *       "nextCursor": null
     *     }
     */
    NamespaceList: {
      items: components["schemas"]["Namespace"][];
      /** @description null on the last page. */
      nextCursor: string | null;
    };
    /**
     * @example {
     *       "id": "0c1f6a5e-9a63-4d3e-8a57-6a7c1d2e3f40",
     *       "namespace": "storefront",
     *       "role": "caller",
     *       "subject": "ci@storefront",
     *       "createdAt": "2026-08-14T09:30:00.000Z",
     *       "expiresAt": "2026-11-12T09:30:00.000Z",
     *       "revokedAt": null
     *     }
     */
    Token: {
      /** @example 0c1f6a5e-9a63-4d3e-8a57-6a7c1d2e3f40 */
      id: string;
      /** @description null: mesh-wide. */
      namespace: string | null;
      /** @enum {string} */
      role: "admin" | "owner" | "caller" | "handler" | "viewer";
      subject: string;
      /**
       * Format: date-time
       * @example 2026-08-14T09:30:00.000Z
       */
      createdAt: string;
      /**
       * Format: date-time
       * @example 2026-08-14T09:30:00.000Z
       */
      expiresAt: string | null;
      /**
       * Format: date-time
       * @example 2026-08-14T09:30:00.000Z
       */
      revokedAt: string | null;
    };
    /**
     * @example {
     *       "id": "0c1f6a5e-9a63-4d3e-8a57-6a7c1d2e3f40",
     *       "namespace": "storefront",
     *       "role": "caller",
     *       "subject": "ci@storefront",
     *       "createdAt": "2026-08-14T09:30:00.000Z",
     *       "expiresAt": "2026-11-12T09:30:00.000Z",
     *       "revokedAt": null,
     *       "token": "eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl"
     *     }
     */
    IssuedToken: {
      /** @example 0c1f6a5e-9a63-4d3e-8a57-6a7c1d2e3f40 */
      id: string;
      /** @description null: mesh-wide. */
      namespace: string | null;
      /** @enum {string} */
      role: "admin" | "owner" | "caller" | "handler" | "viewer";
      subject: string;
      /**
       * Format: date-time
       * @example 2026-08-14T09:30:00.000Z
       */
      createdAt: string;
      /**
       * Format: date-time
       * @example 2026-08-14T09:30:00.000Z
       */
      expiresAt: string | null;
      /**
       * Format: date-time
       * @example 2026-08-14T09:30:00.000Z
       */
      revokedAt: string | null;
      /** @description The credential. It is shown only here. */
      token: string;
    };
    /**
     * @example {
     *       "role": "caller",
     *       "subject": "ci@storefront",
     *       "expiresIn": "2160h"
     *     }
     */
    TokenInput: {
      /** @enum {string} */
      role: "owner" | "caller" | "handler" | "viewer";
      /** @description Who will hold it, for the audit trail; the namespace's name unless set. */
      subject?: string;
      /**
       * @description `2160h` (90 days) unless set.
       * @example 2160h
       */
      expiresIn?: string;
    };
    /**
     * @example {
     *       "items": [
     *         {
     *           "id": "0c1f6a5e-9a63-4d3e-8a57-6a7c1d2e3f40",
     *           "namespace": "storefront",
     *           "role": "caller",
     *           "subject": "ci@storefront",
     *           "createdAt": "2026-08-14T09:30:00.000Z",
     *           "expiresAt": "2026-11-12T09:30:00.000Z",
     *           "revokedAt": null
     *         }
     *       ],
     *       "nextCursor": null
     *     }
     */
    TokenList: {
      items: components["schemas"]["Token"][];
      /** @description null on the last page. */
      nextCursor: string | null;
    };
    /**
     * @example {
     *       "secrets": [
     *         "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
     *       ]
     *     }
     */
    CallbackSecret: {
      /** @description Standard Webhooks secrets, newest first; two while a rotation is under way. */
      secrets: string[];
    };
    /**
     * @example {
     *       "host": "*.insights.example.com",
     *       "ports": [
     *         443
     *       ],
     *       "cidrs": [
     *         "10.0.0.0/8"
     *       ],
     *       "plainHttp": false
     *     }
     */
    EgressRule: {
      /** @description An exact host, an IP literal, or `*.example.com`. */
      host: string;
      /** @description Empty: 443, and 80 where plainHttp is set. */
      ports?: number[];
      /** @description Ranges its address may lie in although they are private or loopback. */
      cidrs?: string[];
      plainHttp?: boolean;
    };
    /**
     * @example {
     *       "version": 1,
     *       "rules": [
     *         {
     *           "host": "*.insights.example.com",
     *           "ports": [
     *             443
     *           ],
     *           "cidrs": [
     *             "10.0.0.0/8"
     *           ],
     *           "plainHttp": false
     *         }
     *       ]
     *     }
     */
    EgressPolicy: {
      version: number;
      rules: {
        /** @description An exact host, an IP literal, or `*.example.com`. */
        host: string;
        /** @description Empty: 443, and 80 where plainHttp is set. */
        ports: number[];
        /** @description Ranges its address may lie in although they are private or loopback. */
        cidrs: string[];
        plainHttp: boolean;
      }[];
    };
    /**
     * @example {
     *       "rules": [
     *         {
     *           "host": "*.insights.example.com",
     *           "ports": [
     *             443
     *           ],
     *           "cidrs": [
     *             "10.0.0.0/8"
     *           ],
     *           "plainHttp": false
     *         }
     *       ]
     *     }
     */
    EgressPolicyInput: {
      rules: components["schemas"]["EgressRule"][];
    };
    /**
     * @example {
     *       "name": "analytics",
     *       "owner": "insights",
     *       "description": "Profiles of data sets",
     *       "target": {
     *         "kind": "http",
     *         "url": "https://handler.insights.example.com/nexus"
     *       },
     *       "policy": {
     *         "scheduleToClose": "24h",
     *         "inlineWait": "1s",
     *         "maxAttempts": null,
     *         "dedupeWindow": "24h",
     *         "durable": false
     *       },
     *       "version": 1,
     *       "createdAt": "2026-08-14T09:30:00.000Z",
     *       "updatedAt": "2026-08-14T09:30:00.000Z"
     *     }
     */
    Endpoint: {
      /** @example analytics */
      name: string;
      /** @example storefront */
      owner: string;
      /** @description Markdown. */
      description: string;
      target: {
        /** @enum {string} */
        kind: "http";
        /** @description Where the handler serves Nexus. */
        url: string;
      };
      policy: {
        /**
         * @description Default time from the start to the end; `24h` unless set. `none`: no limit.
         * @example 24h
         */
        scheduleToClose: string;
        /**
         * @description How long a durable start waits for the first attempt; `1s` unless set.
         * @example 1s
         */
        inlineWait: string;
        /** @description Attempts before the operation is parked; null: no cap. */
        maxAttempts: number | null;
        /**
         * @description How long a request id is remembered after the end; `24h` unless set, at least `1h`.
         * @example 24h
         */
        dedupeWindow: string;
        /** @description Every start is durable, whatever the caller asks. */
        durable: boolean;
      };
      version: number;
      /**
       * Format: date-time
       * @example 2026-08-14T09:30:00.000Z
       */
      createdAt: string;
      /**
       * Format: date-time
       * @example 2026-08-14T09:30:00.000Z
       */
      updatedAt: string;
    };
    /**
     * @example {
     *       "owner": "insights",
     *       "description": "Profiles of data sets",
     *       "target": {
     *         "kind": "http",
     *         "url": "https://handler.insights.example.com/nexus"
     *       },
     *       "policy": {}
     *     }
     */
    EndpointInput: {
      /**
       * @description The owner that it has, or else the caller's namespace, unless set.
       * @example insights
       */
      owner?: string;
      /** @description Markdown. */
      description?: string;
      target: {
        /** @enum {string} */
        kind: "http";
        /** @description Where the handler serves Nexus. */
        url: string;
      };
      /** @description What is left out gets its default. */
      policy?: {
        /**
         * @description Default time from the start to the end; `24h` unless set. `none`: no limit.
         * @example 24h
         */
        scheduleToClose?: string;
        /**
         * @description How long a durable start waits for the first attempt; `1s` unless set.
         * @example 1s
         */
        inlineWait?: string;
        /** @description Attempts before the operation is parked; null: no cap. */
        maxAttempts?: number | null;
        /**
         * @description How long a request id is remembered after the end; `24h` unless set, at least `1h`.
         * @example 24h
         */
        dedupeWindow?: string;
        /** @description Every start is durable, whatever the caller asks. */
        durable?: boolean;
      };
    };
    /**
     * @example {
     *       "items": [
     *         {
     *           "name": "analytics",
     *           "owner": "insights",
     *           "description": "Profiles of data sets",
     *           "target": {
     *             "kind": "http",
     *             "url": "https://handler.insights.example.com/nexus"
     *           },
     *           "policy": {
     *             "scheduleToClose": "24h",
     *             "inlineWait": "1s",
     *             "maxAttempts": null,
     *             "dedupeWindow": "24h",
     *             "durable": false
     *           },
     *           "version": 1,
     *           "createdAt": "2026-08-14T09:30:00.000Z",
     *           "updatedAt": "2026-08-14T09:30:00.000Z"
     *         }
     *       ],
     *       "nextCursor": null
     *     }
     */
    EndpointList: {
      items: components["schemas"]["Endpoint"][];
      /** @description null on the last page. */
      nextCursor: string | null;
    };
    /**
     * @example {
     *       "id": "storefront-profiles",
     *       "endpoint": "analytics",
     *       "caller": "storefront",
     *       "service": "profiles",
     *       "operation": "*",
     *       "createdAt": "2026-08-14T09:30:00.000Z"
     *     }
     */
    Grant: {
      /** @example storefront-profiles */
      id: string;
      /** @example analytics */
      endpoint: string;
      /**
       * @description A namespace, or a pattern with `*`.
       * @example storefront
       */
      caller: string;
      /**
       * @description A service, or a pattern with `*`.
       * @example profiles
       */
      service: string;
      /**
       * @description An operation, or a pattern with `*`.
       * @example *
       */
      operation: string;
      /**
       * Format: date-time
       * @example 2026-08-14T09:30:00.000Z
       */
      createdAt: string;
    };
    /**
     * @example {
     *       "caller": "storefront",
     *       "service": "profiles",
     *       "operation": "*"
     *     }
     */
    GrantInput: {
      /**
       * @description A namespace, or a pattern with `*`.
       * @example storefront
       */
      caller: string;
      /**
       * @description A pattern; `*` unless set.
       * @example profiles
       */
      service?: string;
      /**
       * @description A pattern; `*` unless set.
       * @example *
       */
      operation?: string;
    };
    /**
     * @example {
     *       "items": [
     *         {
     *           "id": "storefront-profiles",
     *           "endpoint": "analytics",
     *           "caller": "storefront",
     *           "service": "profiles",
     *           "operation": "*",
     *           "createdAt": "2026-08-14T09:30:00.000Z"
     *         }
     *       ],
     *       "nextCursor": null
     *     }
     */
    GrantList: {
      items: components["schemas"]["Grant"][];
      /** @description null on the last page. */
      nextCursor: string | null;
    };
    /**
     * @example {
     *       "caller": "storefront",
     *       "endpoint": "analytics",
     *       "service": "profiles",
     *       "operation": "profile"
     *     }
     */
    AccessCheckInput: {
      /** @example storefront */
      caller: string;
      /** @example analytics */
      endpoint: string;
      /** @example profiles */
      service: string;
      /** @example profile */
      operation: string;
    };
    /**
     * @example {
     *       "allowed": true,
     *       "rule": "storefront-profiles",
     *       "hint": null
     *     }
     */
    AccessCheck: {
      allowed: boolean;
      /** @description The id of the grant that allows it. */
      rule: string | null;
      /** @description What would allow it. */
      hint: string | null;
    };
    /**
     * @example {
     *       "id": "01981f6e-7c1a-7e2b-8d3c-4e5f60718293",
     *       "state": "started",
     *       "endpoint": "analytics",
     *       "service": "profiles",
     *       "operation": "profile",
     *       "caller": "storefront",
     *       "owner": "insights",
     *       "requestId": "order-4711",
     *       "principal": "ci@storefront",
     *       "attempts": 1,
     *       "createdAt": "2026-08-14T09:30:00.000Z",
     *       "closedAt": null,
     *       "closeBy": "2026-08-15T09:30:00.000Z",
     *       "cancelRequestedAt": null,
     *       "callbackUrl": "https://storefront.example.com/callbacks",
     *       "redriveOf": null
     *     }
     */
    Operation: {
      /**
       * @description Also the operation token that the caller gets.
       * @example 01981f6e-7c1a-7e2b-8d3c-4e5f60718293
       */
      id: string;
      /** @enum {string} */
      state:
        | "scheduled"
        | "backing_off"
        | "parked"
        | "started"
        | "succeeded"
        | "failed"
        | "canceled"
        | "timed_out"
        | "terminated";
      /** @description null: deleted since. */
      endpoint: string | null;
      service: string;
      operation: string;
      /** @description The caller's namespace; null: deleted. */
      caller: string | null;
      /** @description The endpoint's owner; null: deleted. */
      owner: string | null;
      requestId: string | null;
      /** @description Who started it. */
      principal: string;
      /** @description Of the start; null: forgotten. */
      attempts: number | null;
      /**
       * Format: date-time
       * @example 2026-08-14T09:30:00.000Z
       */
      createdAt: string;
      /**
       * Format: date-time
       * @example 2026-08-14T09:30:00.000Z
       */
      closedAt: string | null;
      /**
       * Format: date-time
       * @description null: no deadline.
       * @example 2026-08-14T09:30:00.000Z
       */
      closeBy: string | null;
      /**
       * Format: date-time
       * @example 2026-08-14T09:30:00.000Z
       */
      cancelRequestedAt: string | null;
      /** @description Without its query, which may hold a secret. Shown to the caller only. */
      callbackUrl: string | null;
      /** @description The operation that this one repeats. */
      redriveOf: string | null;
    };
    /**
     * @example {
     *       "id": "01981f6e-7c1a-7e2b-8d3c-4e5f60718293",
     *       "created": true,
     *       "ended": false
     *     }
     */
    StartedOperation: {
      /** @example 01981f6e-7c1a-7e2b-8d3c-4e5f60718293 */
      id: string;
      /** @description false: the request id was known. */
      created: boolean;
      /** @description Its result can be read now. */
      ended: boolean;
    };
    /**
     * @example {
     *       "kind": "start",
     *       "n": 1,
     *       "at": "2026-08-14T09:30:00.000Z",
     *       "durationMs": 12,
     *       "status": 201,
     *       "error": null
     *     }
     */
    Attempt: {
      /** @enum {string} */
      kind: "start" | "cancel" | "callback";
      n: number;
      /**
       * Format: date-time
       * @example 2026-08-14T09:30:00.000Z
       */
      at: string;
      durationMs: number;
      /** @description HTTP; null: there was no answer. */
      status: number | null;
      error: string | null;
    };
    /**
     * @example {
     *       "items": [
     *         {
     *           "kind": "start",
     *           "n": 1,
     *           "at": "2026-08-14T09:30:00.000Z",
     *           "durationMs": 12,
     *           "status": 201,
     *           "error": null
     *         }
     *       ]
     *     }
     */
    AttemptList: {
      items: components["schemas"]["Attempt"][];
    };
    /**
     * @example {
     *       "reason": "the order was withdrawn"
     *     }
     */
    TerminateInput: {
      reason?: string;
    };
    /**
     * @example {
     *       "id": "01981f6e-7c1a-7e2b-8d3c-4e5f60718293",
     *       "created": false
     *     }
     */
    Redriven: {
      /**
       * @description The same id, or the new operation's.
       * @example 01981f6e-7c1a-7e2b-8d3c-4e5f60718293
       */
      id: string;
      /** @description A new operation repeats one that had ended. */
      created: boolean;
    };
    /**
     * @description A Nexus Failure, as the handler sent it.
     * @example {
     *       "message": "the data set is empty",
     *       "metadata": {}
     *     }
     */
    Failure: {
      message?: string;
      stackTrace?: string;
      metadata?: {
        [key: string]: string;
      };
      details?: unknown;
      cause?: {
        [key: string]: unknown;
      };
    } & {
      [key: string]: unknown;
    };
    /**
     * @example {
     *       "items": [
     *         {
     *           "id": "01981f6e-7c1a-7e2b-8d3c-4e5f60718293",
     *           "state": "started",
     *           "endpoint": "analytics",
     *           "service": "profiles",
     *           "operation": "profile",
     *           "caller": "storefront",
     *           "owner": "insights",
     *           "requestId": "order-4711",
     *           "principal": "ci@storefront",
     *           "attempts": 1,
     *           "createdAt": "2026-08-14T09:30:00.000Z",
     *           "closedAt": null,
     *           "closeBy": "2026-08-15T09:30:00.000Z",
     *           "cancelRequestedAt": null,
     *           "callbackUrl": "https://storefront.example.com/callbacks",
     *           "redriveOf": null
     *         }
     *       ],
     *       "nextCursor": null
     *     }
     */
    OperationList: {
      items: components["schemas"]["Operation"][];
      /** @description null on the last page. */
      nextCursor: string | null;
    };
    /**
     * @example {
     *       "id": "01981f6e-7c1a-7e2b-8d3c-4e5f60718293.3b1f0c9d",
     *       "operationId": "01981f6e-7c1a-7e2b-8d3c-4e5f60718293",
     *       "url": "https://storefront.example.com/callbacks",
     *       "state": "due",
     *       "attempts": 3,
     *       "createdAt": "2026-08-14T09:30:00.000Z",
     *       "nextAttemptAt": "2026-08-14T09:31:00.000Z",
     *       "lastStatus": 503,
     *       "lastError": "the receiver answered 503"
     *     }
     */
    Callback: {
      /** @example 01981f6e-7c1a-7e2b-8d3c-4e5f60718293.3b1f0c9d */
      id: string;
      /** @example 01981f6e-7c1a-7e2b-8d3c-4e5f60718293 */
      operationId: string;
      /** @description Without its query, which may hold a secret. */
      url: string;
      /** @enum {string} */
      state: "waiting" | "due" | "delivered" | "parked";
      attempts: number;
      /**
       * Format: date-time
       * @example 2026-08-14T09:30:00.000Z
       */
      createdAt: string;
      /**
       * Format: date-time
       * @example 2026-08-14T09:30:00.000Z
       */
      nextAttemptAt: string | null;
      lastStatus: number | null;
      lastError: string | null;
    };
    /**
     * @example {
     *       "items": [
     *         {
     *           "id": "01981f6e-7c1a-7e2b-8d3c-4e5f60718293.3b1f0c9d",
     *           "operationId": "01981f6e-7c1a-7e2b-8d3c-4e5f60718293",
     *           "url": "https://storefront.example.com/callbacks",
     *           "state": "due",
     *           "attempts": 3,
     *           "createdAt": "2026-08-14T09:30:00.000Z",
     *           "nextAttemptAt": "2026-08-14T09:31:00.000Z",
     *           "lastStatus": 503,
     *           "lastError": "the receiver answered 503"
     *         }
     *       ],
     *       "nextCursor": null
     *     }
     */
    CallbackList: {
      items: components["schemas"]["Callback"][];
      /** @description null on the last page. */
      nextCursor: string | null;
    };
  };
  responses: never;
  parameters: never;
  requestBodies: never;
  headers: never;
  pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
  checkAccess: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody: {
      content: {
        "application/json": components["schemas"]["AccessCheckInput"];
      };
    };
    responses: {
      /** @description The answer that a start would get now. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["AccessCheck"];
        };
      };
      /** @description `INVALID_REQUEST`: The request is malformed. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `NAMESPACE_NOT_FOUND`: The namespace is unknown.
       *
       *     `ENDPOINT_NOT_FOUND`: The endpoint is unknown.
       */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PAYLOAD_TOO_LARGE`: The body is too large. */
      413: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  getCallbackSecret: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @example storefront */
        namespace: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description For the callback receiver. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["CallbackSecret"];
        };
      };
      /**
       * @description `INVALID_REQUEST`: The request is malformed.
       *
       *     `INVALID_NAME`: A name breaks its rule.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `NAMESPACE_NOT_FOUND`: The namespace is unknown. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  rotateCallbackSecret: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @example storefront */
        namespace: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The new one first. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["CallbackSecret"];
        };
      };
      /**
       * @description `INVALID_REQUEST`: The request is malformed.
       *
       *     `INVALID_NAME`: A name breaks its rule.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `NAMESPACE_NOT_FOUND`: The namespace is unknown. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  getCallback: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @example 01981f6e-7c1a-7e2b-8d3c-4e5f60718293.3b1f0c9d */
        callbackId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The callback. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Callback"];
        };
      };
      /** @description `INVALID_REQUEST`: The request is malformed. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `CALLBACK_NOT_FOUND`: The callback is unknown. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  listCallbacks: {
    parameters: {
      query?: {
        /** @description 50 unless set. */
        limit?: number;
        /** @description `nextCursor` of the page before; good only for the same caller and filter. */
        cursor?: string;
        state?: "waiting" | "due" | "delivered" | "parked";
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Newest first. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["CallbackList"];
        };
      };
      /**
       * @description `INVALID_REQUEST`: The request is malformed.
       *
       *     `INVALID_CURSOR`: The cursor is not one of this list.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  redeliverCallback: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @example 01981f6e-7c1a-7e2b-8d3c-4e5f60718293.3b1f0c9d */
        callbackId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description It is due now. */
      202: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description `INVALID_REQUEST`: The request is malformed. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `CALLBACK_NOT_FOUND`: The callback is unknown. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  getEgressPolicy: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @example storefront */
        namespace: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description No rules: public https hosts only. */
      200: {
        headers: {
          /** @description The version, for `If-Match`. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["EgressPolicy"];
        };
      };
      /**
       * @description `INVALID_REQUEST`: The request is malformed.
       *
       *     `INVALID_NAME`: A name breaks its rule.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `NAMESPACE_NOT_FOUND`: The namespace is unknown. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  putEgressPolicy: {
    parameters: {
      query?: never;
      header?: {
        /** @description `*`: only if it is not there yet. */
        "if-none-match"?: string;
        /** @description The ETag that was read, such as `"3"`: only if that is still current. */
        "if-match"?: string;
      };
      path: {
        /** @example storefront */
        namespace: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        "application/json": components["schemas"]["EgressPolicyInput"];
      };
    };
    responses: {
      /** @description The policy with its new version. */
      200: {
        headers: {
          /** @description The version, for `If-Match`. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["EgressPolicy"];
        };
      };
      /**
       * @description `INVALID_REQUEST`: The request is malformed.
       *
       *     `INVALID_NAME`: A name breaks its rule.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `NAMESPACE_NOT_FOUND`: The namespace is unknown. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `VERSION_CONFLICT`: Another version is current. */
      412: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PAYLOAD_TOO_LARGE`: The body is too large. */
      413: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  getEndpoint: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @example analytics */
        endpoint: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The endpoint. */
      200: {
        headers: {
          /** @description The version, for `If-Match`. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Endpoint"];
        };
      };
      /**
       * @description `INVALID_REQUEST`: The request is malformed.
       *
       *     `INVALID_NAME`: A name breaks its rule.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `ENDPOINT_NOT_FOUND`: The endpoint is unknown. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  putEndpoint: {
    parameters: {
      query?: never;
      header?: {
        /** @description `*`: only if it is not there yet. */
        "if-none-match"?: string;
        /** @description The ETag that was read, such as `"3"`: only if that is still current. */
        "if-match"?: string;
      };
      path: {
        /** @example analytics */
        endpoint: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        "application/json": components["schemas"]["EndpointInput"];
      };
    };
    responses: {
      /** @description It was there and is replaced. */
      200: {
        headers: {
          /** @description The version, for `If-Match`. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Endpoint"];
        };
      };
      /** @description It is new. */
      201: {
        headers: {
          /** @description The version, for `If-Match`. */
          ETag?: string;
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Endpoint"];
        };
      };
      /**
       * @description `INVALID_REQUEST`: The request is malformed.
       *
       *     `INVALID_NAME`: A name breaks its rule.
       *
       *     `INVALID_TIMEOUT`: A timeout is malformed.
       *
       *     `INVALID_TARGET_URL`: The target URL can't be used.
       *
       *     `NAMESPACE_REQUIRED`: Nexus-Mesh-Namespace is needed.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `PERMISSION_DENIED`: The role does not allow this.
       *
       *     `EGRESS_DENIED`: The egress policy does not allow this address.
       */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `NAMESPACE_NOT_FOUND`: The namespace is unknown. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `ALREADY_EXISTS`: It exists already. */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `VERSION_CONFLICT`: Another version is current. */
      412: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PAYLOAD_TOO_LARGE`: The body is too large. */
      413: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  deleteEndpoint: {
    parameters: {
      query?: never;
      header?: {
        /** @description `*`: only if it is not there yet. */
        "if-none-match"?: string;
        /** @description The ETag that was read, such as `"3"`: only if that is still current. */
        "if-match"?: string;
      };
      path: {
        /** @example analytics */
        endpoint: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description It is gone. */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /**
       * @description `INVALID_REQUEST`: The request is malformed.
       *
       *     `INVALID_NAME`: A name breaks its rule.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `ENDPOINT_NOT_FOUND`: The endpoint is unknown. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `IN_USE`: It is still in use. */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `VERSION_CONFLICT`: Another version is current. */
      412: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  listEndpoints: {
    parameters: {
      query?: {
        /** @description 50 unless set. */
        limit?: number;
        /** @description `nextCursor` of the page before; good only for the same caller and filter. */
        cursor?: string;
        /**
         * @description Only this owner's.
         * @example storefront
         */
        owner?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Newest first. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["EndpointList"];
        };
      };
      /**
       * @description `INVALID_REQUEST`: The request is malformed.
       *
       *     `INVALID_CURSOR`: The cursor is not one of this list.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  putGrant: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @example analytics */
        endpoint: string;
        /** @example storefront-profiles */
        grant: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        "application/json": components["schemas"]["GrantInput"];
      };
    };
    responses: {
      /** @description It was there and is replaced. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Grant"];
        };
      };
      /** @description It is new. */
      201: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Grant"];
        };
      };
      /**
       * @description `INVALID_REQUEST`: The request is malformed.
       *
       *     `INVALID_NAME`: A name breaks its rule.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `ENDPOINT_NOT_FOUND`: The endpoint is unknown. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `ALREADY_EXISTS`: It exists already. */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PAYLOAD_TOO_LARGE`: The body is too large. */
      413: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  deleteGrant: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @example analytics */
        endpoint: string;
        /** @example storefront-profiles */
        grant: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description It is gone. */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /**
       * @description `INVALID_REQUEST`: The request is malformed.
       *
       *     `INVALID_NAME`: A name breaks its rule.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `ENDPOINT_NOT_FOUND`: The endpoint is unknown.
       *
       *     `GRANT_NOT_FOUND`: The grant is unknown.
       */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  listGrants: {
    parameters: {
      query?: {
        /** @description 50 unless set. */
        limit?: number;
        /** @description `nextCursor` of the page before; good only for the same caller and filter. */
        cursor?: string;
      };
      header?: never;
      path: {
        /** @example analytics */
        endpoint: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Newest first. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["GrantList"];
        };
      };
      /**
       * @description `INVALID_REQUEST`: The request is malformed.
       *
       *     `INVALID_NAME`: A name breaks its rule.
       *
       *     `INVALID_CURSOR`: The cursor is not one of this list.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `ENDPOINT_NOT_FOUND`: The endpoint is unknown. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  getNamespace: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @example storefront */
        namespace: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The namespace. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Namespace"];
        };
      };
      /**
       * @description `INVALID_REQUEST`: The request is malformed.
       *
       *     `INVALID_NAME`: A name breaks its rule.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `NAMESPACE_NOT_FOUND`: The namespace is unknown. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  putNamespace: {
    parameters: {
      query?: never;
      header?: {
        /** @description `*`: only if it is not there yet. */
        "if-none-match"?: string;
      };
      path: {
        /** @example storefront */
        namespace: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        "application/json": components["schemas"]["NamespaceInput"];
      };
    };
    responses: {
      /** @description It was there and is replaced. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Namespace"];
        };
      };
      /** @description It is new. */
      201: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Namespace"];
        };
      };
      /**
       * @description `INVALID_REQUEST`: The request is malformed.
       *
       *     `INVALID_NAME`: A name breaks its rule.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `ALREADY_EXISTS`: It exists already. */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `VERSION_CONFLICT`: Another version is current. */
      412: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PAYLOAD_TOO_LARGE`: The body is too large. */
      413: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  deleteNamespace: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @example storefront */
        namespace: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description It is gone. */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /**
       * @description `INVALID_REQUEST`: The request is malformed.
       *
       *     `INVALID_NAME`: A name breaks its rule.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `NAMESPACE_NOT_FOUND`: The namespace is unknown. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `IN_USE`: It is still in use. */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  listNamespaces: {
    parameters: {
      query?: {
        /** @description 50 unless set. */
        limit?: number;
        /** @description `nextCursor` of the page before; good only for the same caller and filter. */
        cursor?: string;
      };
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Newest first. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["NamespaceList"];
        };
      };
      /**
       * @description `INVALID_REQUEST`: The request is malformed.
       *
       *     `INVALID_CURSOR`: The cursor is not one of this list.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  cancelOperation: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @example 01981f6e-7c1a-7e2b-8d3c-4e5f60718293 */
        operationId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Recorded, or the operation has ended already. */
      202: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description `INVALID_REQUEST`: The request is malformed. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `OPERATION_NOT_FOUND`: The operation is unknown. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  getOperation: {
    parameters: {
      query?: {
        /**
         * @description Answers when the operation has ended, or after this time (at most `60s`).
         * @example 30s
         */
        wait?: string;
      };
      header?: never;
      path: {
        /** @example 01981f6e-7c1a-7e2b-8d3c-4e5f60718293 */
        operationId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description As it is when the wait is over. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Operation"];
        };
      };
      /**
       * @description `INVALID_REQUEST`: The request is malformed.
       *
       *     `INVALID_TIMEOUT`: A timeout is malformed.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `OPERATION_NOT_FOUND`: The operation is unknown. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  getOperationResult: {
    parameters: {
      query?: {
        /**
         * @description Answers when the operation has ended, or after this time (at most `60s`).
         * @example 30s
         */
        wait?: string;
      };
      header?: never;
      path: {
        /** @example 01981f6e-7c1a-7e2b-8d3c-4e5f60718293 */
        operationId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The result's bytes with their `Content-*` headers. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "*/*": string;
        };
      };
      /** @description It has not ended yet. */
      202: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Operation"];
        };
      };
      /**
       * @description `INVALID_REQUEST`: The request is malformed.
       *
       *     `INVALID_TIMEOUT`: A timeout is malformed.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `OPERATION_NOT_FOUND`: The operation is unknown. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description It failed; `Nexus-Operation-State` says how it ended. */
      424: {
        headers: {
          "Nexus-Operation-State"?: "failed" | "canceled" | "timed_out" | "terminated";
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  listAttempts: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @example 01981f6e-7c1a-7e2b-8d3c-4e5f60718293 */
        operationId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Oldest first. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["AttemptList"];
        };
      };
      /** @description `INVALID_REQUEST`: The request is malformed. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `OPERATION_NOT_FOUND`: The operation is unknown. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  listOperations: {
    parameters: {
      query?: {
        /** @description 50 unless set. */
        limit?: number;
        /** @description `nextCursor` of the page before; good only for the same caller and filter. */
        cursor?: string;
        /** @description Those that the namespace started (unless set), or those of its endpoints. */
        view?: "made" | "served";
        /**
         * @description One or more states, with commas between.
         * @example started,parked
         */
        state?: string;
        /** @example analytics */
        endpoint?: string;
        /** @example profiles */
        service?: string;
        /** @example profile */
        operation?: string;
        /** @example storefront */
        caller?: string;
        /**
         * @description Created at or after.
         * @example 2026-08-14T09:30:00.000Z
         */
        after?: string;
        /**
         * @description Created before.
         * @example 2026-08-14T09:30:00.000Z
         */
        before?: string;
      };
      header?: {
        /** @description For whom a mesh-wide token acts; others act for their own namespace. */
        "nexus-mesh-namespace"?: string;
      };
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Newest first. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["OperationList"];
        };
      };
      /**
       * @description `INVALID_REQUEST`: The request is malformed.
       *
       *     `INVALID_CURSOR`: The cursor is not one of this list.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `NAMESPACE_NOT_FOUND`: The namespace is unknown.
       *
       *     `ENDPOINT_NOT_FOUND`: The endpoint is unknown.
       */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  lookupOperation: {
    parameters: {
      query?: never;
      header?: {
        /** @description For whom a mesh-wide token acts; others act for their own namespace. */
        "nexus-mesh-namespace"?: string;
      };
      path: {
        /** @example analytics */
        endpoint: string;
        /** @example profiles */
        service: string;
        /** @example profile */
        operation: string;
        /** @example order-4711 */
        requestId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The operation that the caller's namespace started with it. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Operation"];
        };
      };
      /**
       * @description `INVALID_REQUEST`: The request is malformed.
       *
       *     `INVALID_NAME`: A name breaks its rule.
       *
       *     `NAMESPACE_REQUIRED`: Nexus-Mesh-Namespace is needed.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `NAMESPACE_NOT_FOUND`: The namespace is unknown.
       *
       *     `ENDPOINT_NOT_FOUND`: The endpoint is unknown.
       *
       *     `OPERATION_NOT_FOUND`: The operation is unknown.
       */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  redriveOperation: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @example 01981f6e-7c1a-7e2b-8d3c-4e5f60718293 */
        operationId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The same operation goes on, or its repeat was there already. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Redriven"];
        };
      };
      /** @description A new operation repeats it. */
      201: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Redriven"];
        };
      };
      /** @description `INVALID_REQUEST`: The request is malformed. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `OPERATION_NOT_FOUND`: The operation is unknown.
       *
       *     `ENDPOINT_NOT_FOUND`: The endpoint is unknown.
       *
       *     `NAMESPACE_NOT_FOUND`: The namespace is unknown.
       */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `OPERATION_OPEN`: The operation can't be redriven in this state. */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `OVERLOADED`: Too much is in flight. */
      429: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `STORE_UNAVAILABLE`: The database can't be reached.
       *
       *     `DRAINING`: This gateway is shutting down.
       */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  startOperation: {
    parameters: {
      query?: {
        /** @description Where the end is reported. */
        callback?: string;
      };
      header?: {
        /** @description Makes a repeat harmless. */
        "nexus-request-id"?: string;
        /** @description From the start to the end: `30s`. */
        "operation-timeout"?: string;
        "nexus-mesh-schedule-to-start"?: string;
        "nexus-mesh-start-to-close"?: string;
        /** @description For whom a mesh-wide token acts; others act for their own namespace. */
        "nexus-mesh-namespace"?: string;
      };
      path: {
        /** @example analytics */
        endpoint: string;
        /** @example profiles */
        service: string;
        /** @example profile */
        operation: string;
      };
      cookie?: never;
    };
    /** @description The input: any bytes with their `Content-*` headers. */
    requestBody?: {
      content: {
        "*/*": string;
      };
    };
    responses: {
      /** @description The request id is known: this is its operation. */
      200: {
        headers: {
          Location?: string;
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["StartedOperation"];
        };
      };
      /** @description Accepted and committed. */
      201: {
        headers: {
          Location?: string;
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["StartedOperation"];
        };
      };
      /**
       * @description `INVALID_REQUEST`: The request is malformed.
       *
       *     `INVALID_NAME`: A name breaks its rule.
       *
       *     `INVALID_TIMEOUT`: A timeout is malformed.
       *
       *     `INVALID_CALLBACK_URL`: The callback URL can't be used.
       *
       *     `INVALID_LINK`: A Nexus-Link header is malformed.
       *
       *     `NAMESPACE_REQUIRED`: Nexus-Mesh-Namespace is needed.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `PERMISSION_DENIED`: The role does not allow this.
       *
       *     `EGRESS_DENIED`: The egress policy does not allow this address.
       *
       *     `GRANT_MISSING`: No grant allows this call.
       */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `NAMESPACE_NOT_FOUND`: The namespace is unknown.
       *
       *     `ENDPOINT_NOT_FOUND`: The endpoint is unknown.
       */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `REQUEST_ID_REUSED`: The request id was used with other input. */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PAYLOAD_TOO_LARGE`: The body is too large. */
      413: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `OVERLOADED`: Too much is in flight. */
      429: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `STORE_UNAVAILABLE`: The database can't be reached.
       *
       *     `DRAINING`: This gateway is shutting down.
       */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  terminateOperation: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @example 01981f6e-7c1a-7e2b-8d3c-4e5f60718293 */
        operationId: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        "application/json": components["schemas"]["TerminateInput"];
      };
    };
    responses: {
      /** @description It has ended as `terminated`. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Operation"];
        };
      };
      /** @description `INVALID_REQUEST`: The request is malformed. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `OPERATION_NOT_FOUND`: The operation is unknown. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `OPERATION_CLOSED`: The operation has ended. */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PAYLOAD_TOO_LARGE`: The body is too large. */
      413: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  getVersion: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description What answers here. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Version"];
        };
      };
      /** @description `INVALID_REQUEST`: The request is malformed. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  whoami: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description The principal. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Whoami"];
        };
      };
      /** @description `INVALID_REQUEST`: The request is malformed. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `NAMESPACE_NOT_FOUND`: The namespace is unknown. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  listTokens: {
    parameters: {
      query?: {
        /** @description 50 unless set. */
        limit?: number;
        /** @description `nextCursor` of the page before; good only for the same caller and filter. */
        cursor?: string;
      };
      header?: never;
      path: {
        /** @example storefront */
        namespace: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Newest first, without the credentials themselves. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["TokenList"];
        };
      };
      /**
       * @description `INVALID_REQUEST`: The request is malformed.
       *
       *     `INVALID_NAME`: A name breaks its rule.
       *
       *     `INVALID_CURSOR`: The cursor is not one of this list.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `NAMESPACE_NOT_FOUND`: The namespace is unknown. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  issueToken: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @example storefront */
        namespace: string;
      };
      cookie?: never;
    };
    requestBody: {
      content: {
        "application/json": components["schemas"]["TokenInput"];
      };
    };
    responses: {
      /** @description The only answer that holds the credential. */
      201: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["IssuedToken"];
        };
      };
      /**
       * @description `INVALID_REQUEST`: The request is malformed.
       *
       *     `INVALID_NAME`: A name breaks its rule.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `NAMESPACE_NOT_FOUND`: The namespace is unknown. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PAYLOAD_TOO_LARGE`: The body is too large. */
      413: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  revokeToken: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @example storefront */
        namespace: string;
        /** @example 0c1f6a5e-9a63-4d3e-8a57-6a7c1d2e3f40 */
        tokenId: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description It is revoked. */
      204: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /**
       * @description `INVALID_REQUEST`: The request is malformed.
       *
       *     `INVALID_NAME`: A name breaks its rule.
       */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `UNAUTHENTICATED`: No valid credential.
       *
       *     `TOKEN_EXPIRED`: The token has expired.
       *
       *     `TOKEN_REVOKED`: The token was revoked.
       */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `PERMISSION_DENIED`: The role does not allow this. */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /**
       * @description `NAMESPACE_NOT_FOUND`: The namespace is unknown.
       *
       *     `TOKEN_NOT_FOUND`: The token is unknown.
       */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
      /** @description `STORE_UNAVAILABLE`: The database can't be reached. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  startNexusOperation: {
    parameters: {
      query?: {
        /**
         * @description Where the completion goes.
         * @example https://storefront.example.com/done
         */
        callback?: string;
      };
      header?: {
        /** @example order-4711 */
        "Nexus-Request-Id"?: string;
        /** @example 10s */
        "Request-Timeout"?: string;
        /** @example 30m */
        "Operation-Timeout"?: string;
        /** @example storefront */
        "Nexus-Mesh-Namespace"?: string;
      };
      path: {
        /** @example analytics */
        endpoint: string;
        /** @example profiles */
        service: string;
        /** @example profile */
        operation: string;
      };
      cookie?: never;
    };
    /** @description The input: any bytes with their `Content-*` headers. */
    requestBody?: {
      content: {
        "*/*": string;
      };
    };
    responses: {
      /** @description The result, synchronously. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "*/*": string;
        };
      };
      /** @description It runs; the token is the operation's id. */
      201: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          /**
           * @example {
           *       "token": "01981f6e-7c1a-7e2b-8d3c-4e5f60718293",
           *       "state": "running"
           *     }
           */
          "application/json": {
            token: string;
            state: string;
          };
        };
      };
      /** @description BAD_REQUEST */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description UNAUTHENTICATED */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description UNAUTHORIZED: no grant, with the command that would give it */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description NOT_FOUND */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description CONFLICT: the request id was used with other input */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description The operation failed or was canceled. */
      424: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description RESOURCE_EXHAUSTED */
      429: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description INTERNAL */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description UNAVAILABLE */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description UPSTREAM_TIMEOUT */
      520: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
    };
  };
  cancelNexusOperation: {
    parameters: {
      query?: never;
      header?: {
        /**
         * @description The token that the start gave; `?token=` is read as well.
         * @example 01981f6e-7c1a-7e2b-8d3c-4e5f60718293
         */
        "Nexus-Operation-Token"?: string;
      };
      path: {
        /** @example analytics */
        endpoint: string;
        /** @example profiles */
        service: string;
        /** @example profile */
        operation: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Recorded, or the operation has ended already. */
      202: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description BAD_REQUEST */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description UNAUTHENTICATED */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description UNAUTHORIZED: no grant, with the command that would give it */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description NOT_FOUND */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description CONFLICT: the request id was used with other input */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description RESOURCE_EXHAUSTED */
      429: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description INTERNAL */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description UNAVAILABLE */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description UPSTREAM_TIMEOUT */
      520: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
    };
  };
  cancelNexusOperationByPath: {
    parameters: {
      query?: never;
      header?: never;
      path: {
        /** @example analytics */
        endpoint: string;
        /** @example profiles */
        service: string;
        /** @example profile */
        operation: string;
        /** @example 01981f6e-7c1a-7e2b-8d3c-4e5f60718293 */
        token: string;
      };
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description Recorded, or the operation has ended already. */
      202: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description BAD_REQUEST */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description UNAUTHENTICATED */
      401: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description UNAUTHORIZED: no grant, with the command that would give it */
      403: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description NOT_FOUND */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description CONFLICT: the request id was used with other input */
      409: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description RESOURCE_EXHAUSTED */
      429: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description INTERNAL */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description UNAVAILABLE */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description UPSTREAM_TIMEOUT */
      520: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
    };
  };
  completeNexusOperation: {
    parameters: {
      query?: never;
      header: {
        /** @example succeeded */
        "Nexus-Operation-State": "succeeded" | "failed" | "canceled";
        /** @example profile-4711 */
        "Nexus-Operation-Token"?: string;
      };
      path?: never;
      cookie?: never;
    };
    /** @description The result's bytes, or a Failure. */
    requestBody?: {
      content: {
        "*/*": string;
      };
    };
    responses: {
      /** @description Recorded. A repeat of the same completion gets the same answer. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content?: never;
      };
      /** @description BAD_REQUEST: INVALID_CALLBACK_TOKEN, or malformed. */
      400: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description NOT_FOUND: the operation has ended otherwise. */
      404: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
      /** @description UNAVAILABLE: send it again later. */
      503: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/json": components["schemas"]["Failure"];
        };
      };
    };
  };
  getJwks: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description A JWK set. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          /**
           * @example {
           *       "keys": [
           *         {
           *           "kty": "OKP",
           *           "crv": "Ed25519",
           *           "kid": "2026-08",
           *           "x": "11qYAYKx"
           *         }
           *       ]
           *     }
           */
          "application/json": {
            keys: {
              [key: string]: unknown;
            }[];
          };
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
  live: {
    parameters: {
      query?: never;
      header?: never;
      path?: never;
      cookie?: never;
    };
    requestBody?: never;
    responses: {
      /** @description It does. */
      200: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          /**
           * @example {
           *       "status": "ok"
           *     }
           */
          "application/json": {
            status: string;
          };
        };
      };
      /** @description `INTERNAL`: Internal server error. */
      500: {
        headers: {
          [name: string]: unknown;
        };
        content: {
          "application/problem+json": components["schemas"]["Problem"];
        };
      };
    };
  };
}
