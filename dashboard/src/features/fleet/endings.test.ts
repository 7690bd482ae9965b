import { expect, test } from "vitest";
import { endings, levels } from "@/features/fleet/endings";

const none = {
  total: 0,
  success_count: 0,
  failed: 0,
  escalated: 0,
  l1_count: 0,
  l2_count: 0,
  l3_count: 0,
};

test("what did not happen is not said", () => {
  expect(endings(none)).toBe("none so far");
  expect(endings({ ...none, total: 2 })).toBe("2 in all");
  expect(endings({ ...none, total: 9, success_count: 7, failed: 1 })).toBe("7 healed, 1 failed, of 9");
  expect(levels({ ...none, l1_count: 7, l3_count: 1 })).toBe("7 by rule (L1), 1 by a person (L3)");
  expect(levels(none)).toBe("");
});
