/** What makes sense to do about an incident as it stands. */
import type { Incident } from "@/api/types";

export interface Deeds {
  retry: boolean;
  hold: boolean;
}

const TRIED: ReadonlySet<Incident["state"]> = new Set(["open", "failed", "escalated"]);

export function deeds(incident: Pick<Incident, "state" | "holdable">, isHeld: boolean): Deeds {
  const { state, holdable } = incident;
  return {
    retry: !isHeld && TRIED.has(state),
    hold: !isHeld && state !== "observing" && holdable.length > 0,
  };
}
