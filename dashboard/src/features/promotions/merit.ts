/** What speaks for a runbook, in one line of words. */
import type { Promotion, RunbookMerit } from "@/api/types";

export function meritWords(merit: RunbookMerit): string {
  const share =
    merit.success_pct === null ? "nothing verified" : `${merit.success_pct} % verified success`;
  return `${counted(merit.occurrences, "incident")}, ${merit.by_l2} healed for good by L2, ${share}`;
}

export function runWords({ decided, stable, watched }: Promotion["runs"]): string {
  if (decided === 0 && watched === 0) return "It has not run yet.";
  const still = watched > 0 ? `; ${watched} still watched` : "";
  return `${stable} of ${counted(decided, "run")} stable${still}.`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
