/** How far a runbook is proved, always as so many of so many. */
import type { Runbook } from "@/api/types";

export interface Proof {
  headline: string;
  detail: string;
  isDoubtful: boolean;
}

export function proof({ heals, unhelped }: Pick<Runbook, "heals" | "unhelped">): Proof {
  const decided = heals ? heals.stable + heals.recurred : 0;
  const beside = [
    heals?.watched ? `${heals.watched} watched now` : "",
    heals?.unproved ? `${heals.unproved} unproved` : "",
    heals?.undone ? `${heals.undone} undone by people` : "",
    unhelped ? `did not help ${unhelped} open ${unhelped === 1 ? "incident" : "incidents"}` : "",
  ].filter(Boolean);
  return {
    headline: decided && heals ? `${heals.stable} of ${decided} stable` : "Not proved yet",
    detail: beside.join(", "),
    isDoubtful: unhelped > 0 || (heals?.recurred ?? 0) > 0,
  };
}
