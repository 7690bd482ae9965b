import { expect, test } from "vitest";
import type { PromotionStage } from "@/api/types";
import { isInForce, isOver, isToDecide } from "@/features/promotions/stages";
import { STAGE } from "@/ui/words";

test("every stage is to be decided, in force or over, and only one of them", () => {
  const found = Object.keys(STAGE).map((stage) => {
    const one = { stage: stage as PromotionStage };
    return [stage, [isToDecide(one), isInForce(one), isOver(one)].filter(Boolean).length];
  });
  expect(found).toEqual(found.map(([stage]) => [stage, 1]));
  expect(isToDecide({ stage: "candidate" })).toBe(true);
  expect(isInForce({ stage: "canary" })).toBe(true);
  expect(isOver({ stage: "withdrawn" })).toBe(true);
});
