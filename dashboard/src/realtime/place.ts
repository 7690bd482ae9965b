/** Where this page stands in Central's change log, and what a frame makes stale. */
import type { Frame } from "@/realtime/frames";
import { keysFor, type QueryKey } from "@/realtime/kinds";

/** The last frame that was seen, of which log; null before the first hello. */
export type Place = { seq: number; epoch: string } | null;

export interface Step {
  place: Place;
  /** Query keys to fetch again; `[]` as a key stands for everything. */
  stale: QueryKey[];
}

export const EVERYTHING: QueryKey = [];

/**
 * A hello that did not recover what was missed makes everything stale: at the first connection too,
 * as pages may have fetched before the socket stood. The numbers have gaps and are not in order, so
 * only the server can know of a loss, and says so with another hello.
 */
export function follow(place: Place, frame: Frame): Step {
  switch (frame.type) {
    case "pong":
      return { place, stale: [] };
    case "hello": {
      const { seq, epoch, recovered } = frame;
      return { place: { seq, epoch }, stale: recovered ? [] : [EVERYTHING] };
    }
    case "change":
      // Before a hello there is no log to stand in: its frames cannot be counted on.
      if (place === null) return { place, stale: [EVERYTHING] };
      return {
        place: { ...place, seq: frame.seq },
        stale: keysFor(frame.kind, frame.siteId) ?? [EVERYTHING],
      };
  }
}

/** The socket's address, from where this page stands. */
export function address(origin: string, place: Place): string {
  const url = new URL("/api/v1/live", origin);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  if (place !== null) {
    url.searchParams.set("since", String(place.seq));
    url.searchParams.set("epoch", place.epoch);
  }
  return url.href;
}
