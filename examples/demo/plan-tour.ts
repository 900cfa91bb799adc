import { setTimeout as delay } from "node:timers/promises";
import { workerContext } from "@nexus-mesh/sdk/worker";
import type { OperationContext } from "nexus-rpc";
import type { DatasetReference, Tour } from "./contract.ts";
import { readRows } from "./profile-dataset.ts";

/** Slow on purpose; longer than a second, the shortest time between two reports that the mesh writes down. */
const stepMs = 1_100;
const steps = 4;

interface Stop {
  readonly city: string;
  readonly lat: number;
  readonly lon: number;
}

/** A round trip through all places of a data set, and how far it is. */
export async function planTour(ctx: OperationContext, input: DatasetReference): Promise<Tour> {
  const { abortSignal, heartbeat } = workerContext(ctx);
  let step = 0;
  const next = async (message: string): Promise<void> => {
    step += 1;
    heartbeat({ step, of: steps, message });
    await delay(stepMs, undefined, { signal: abortSignal });
  };
  await next(`reading the places of ${input.dataset}`);
  const stops = (await readRows(input.dataset)).map(stopOf);
  await next(`measuring ${(stops.length * (stops.length - 1)) / 2} distances`);
  const km = stops.map((from) => stops.map((to) => distance(from, to)));
  await next(`drawing a tour through ${stops.length} places`);
  const draft = fromNearestToNearest(km);
  await next(`shortening a tour of ${Math.round(length(draft, km))} km`);
  const tour = untangled(draft, km);
  return {
    stops: tour.map((stop) => stops[stop]?.city ?? ""),
    draftKm: Math.round(length(draft, km)),
    km: Math.round(length(tour, km)),
  };
}

function stopOf({ city, lat, lon }: Readonly<Record<string, unknown>>): Stop {
  if (typeof city !== "string" || typeof lat !== "number" || typeof lon !== "number")
    throw new TypeError("a place needs city, lat and lon");
  return { city, lat, lon };
}

/** Great circle, in km. */
function distance(a: Stop, b: Stop): number {
  const rad = Math.PI / 180;
  const half =
    Math.sin(((b.lat - a.lat) * rad) / 2) ** 2 +
    Math.cos(a.lat * rad) * Math.cos(b.lat * rad) * Math.sin(((b.lon - a.lon) * rad) / 2) ** 2;
  return 2 * 6_371 * Math.asin(Math.sqrt(half));
}

type Distances = readonly (readonly number[])[];

function between(km: Distances, from: number | undefined, to: number | undefined): number {
  return km[from ?? 0]?.[to ?? 0] ?? 0;
}

function length(tour: readonly number[], km: Distances): number {
  return tour.reduce((sum, stop, at) => sum + between(km, stop, tour[(at + 1) % tour.length]), 0);
}

function fromNearestToNearest(km: Distances): number[] {
  const left = new Set(km.keys());
  const tour: number[] = [];
  for (let at = 0; left.size > 0;) {
    tour.push(at);
    left.delete(at);
    const here = at;
    at = [...left].reduce(
      (best, to) => (between(km, here, to) < between(km, here, best) ? to : best),
      [...left][0] ?? here,
    );
  }
  return tour;
}

/** 2-opt: turns a part around for as long as that makes the tour shorter. */
function untangled(draft: readonly number[], km: Distances): number[] {
  let tour = [...draft];
  for (let better = true; better;) {
    better = false;
    for (let from = 1; from < tour.length - 1; from += 1)
      for (let to = from + 1; to < tour.length; to += 1) {
        const [before, first, last] = [tour[from - 1], tour[from], tour[to]];
        const after = tour[(to + 1) % tour.length];
        const now = between(km, before, first) + between(km, last, after);
        const turned = between(km, before, last) + between(km, first, after);
        if (turned >= now - 1e-9) continue;
        tour = [
          ...tour.slice(0, from),
          ...tour.slice(from, to + 1).reverse(),
          ...tour.slice(to + 1),
        ];
        better = true;
      }
  }
  return tour;
}
