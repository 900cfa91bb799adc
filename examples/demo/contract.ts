import { operation, service } from "nexus-rpc";

/** What insights offers. The teams share this file as they would share a small npm package. */
export const analytics = service("analytics", {
  /** Answers at once. */
  columns: operation<DatasetReference, string[]>(),
  /** A durable workflow of several slow steps; the result arrives as a completion. */
  profile: operation<DatasetReference, Profile>(),
});

/** What fulfilment offers. */
export const delivery = service("delivery", {
  planTour: operation<DatasetReference, Tour>(),
});

/** A reference, never the rows: what travels through a mesh should stay small. */
export interface DatasetReference {
  readonly dataset: string;
}

export interface Profile {
  readonly dataset: string;
  readonly rows: number;
  readonly columns: readonly ColumnProfile[];
}

export interface ColumnProfile {
  readonly name: string;
  readonly missing: number;
  readonly distinct: number;
}

export interface Tour {
  /** In the order of the tour, which ends where it began. */
  readonly stops: readonly string[];
  readonly draftKm: number;
  readonly km: number;
}
