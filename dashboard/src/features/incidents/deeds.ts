/** What makes sense to do about an incident as it stands. */
import type { Incident } from "@/api/types";

export interface Deeds {
  retry: boolean;
  hold: boolean;
  /** The repair that a hold would keep off, where it is clear which. */
  held: string | null;
}

type Known = Pick<Incident, "state" | "runbook_id" | "heals" | "decision">;

const TRIED: ReadonlySet<Incident["state"]> = new Set(["open", "failed", "escalated"]);
/** What the decision says where a person has accepted the state. */
const ACCEPTED = "accepted";

export function deeds(incident: Known, isHeld: boolean): Deeds {
  const { state, runbook_id: runbook, heals, decision } = incident;
  return {
    retry: !isHeld && TRIED.has(state) && decision?.["code"] !== ACCEPTED,
    hold: !isHeld && state !== "observing",
    held: runbook ?? heals[0]?.runbook_id ?? null,
  };
}
