/** What makes sense to do about an incident as it stands. */
import type { Incident } from "@/api/types";

export interface Deeds {
  retry: boolean;
  hold: boolean;
  /** The repair that a hold would keep off, where it is clear which. */
  held: string | null;
}

const TRIED: ReadonlySet<Incident["state"]> = new Set(["open", "failed", "escalated"]);

export function deeds(incident: Pick<Incident, "state" | "runbook_id" | "heals">, isHeld: boolean): Deeds {
  const { state, runbook_id: runbook, heals } = incident;
  return {
    retry: !isHeld && TRIED.has(state),
    hold: !isHeld && state !== "observing",
    held: runbook ?? heals[0]?.runbook_id ?? null,
  };
}
