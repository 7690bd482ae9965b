/** What a stage means for a person: to decide, in force, or over. */
import type { Promotion, PromotionStage } from "@/api/types";

const IN_FORCE: readonly PromotionStage[] = ["canary", "promoted"];

type Staged = Pick<Promotion, "stage">;

export function isToDecide({ stage }: Staged): boolean {
  return stage === "candidate";
}

export function isInForce({ stage }: Staged): boolean {
  return IN_FORCE.includes(stage);
}

export function isOver(one: Staged): boolean {
  return !isToDecide(one) && !isInForce(one);
}
