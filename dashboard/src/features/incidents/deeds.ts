/** What makes sense to do about an incident as it stands. */
import type { Incident } from "@/api/types";

export interface Deeds {
  retry: boolean;
  hold: boolean;
}

type Known = Pick<Incident, "state" | "holdable" | "decision">;

const TRIED: ReadonlySet<Incident["state"]> = new Set(["open", "failed", "escalated"]);
/** What the decision says where a person has accepted the state. */
const ACCEPTED = "accepted";

export function deeds(incident: Known, isHeld: boolean): Deeds {
  const { state, holdable, decision } = incident;
  return {
    retry: !isHeld && TRIED.has(state) && decision?.["code"] !== ACCEPTED,
    hold: !isHeld && state !== "observing" && holdable.length > 0,
  };
}
