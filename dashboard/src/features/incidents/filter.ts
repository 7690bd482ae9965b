/** Which incidents a list shows; it lives in the URL. */
import type { IncidentState } from "@/api/types";
import { STATES } from "@/ui/words";

export interface IncidentFilter {
  state?: IncidentState;
  cursor?: string;
}

/** The filter in a URL's search part; what it does not know it leaves out. */
export function readFilter(search: Record<string, unknown>): IncidentFilter {
  const state = STATES.find((known) => known === search.state);
  const cursor = typeof search.cursor === "string" ? search.cursor : undefined;
  return { ...(state ? { state } : {}), ...(cursor ? { cursor } : {}) };
}
