import { expect, test } from "vitest";
import { falseHeals, timeToRepair } from "@/features/fleet/lasting";

const none = {
  days: 30,
  total: 3,
  watched: 3,
  stable: 0,
  recurred: 0,
  unproved: 0,
  undone: 0,
  false_heals: null,
  time_to_repair: null,
};

test("nothing is said before a watch is over", () => {
  expect(falseHeals(none)).toBeNull();
  expect(timeToRepair(none)).toBeNull();
});

test("so many of so many, never a bare share", () => {
  const some = {
    ...none,
    false_heals: { recurred: 0, of: 1200 },
    time_to_repair: { mean_s: 4.2, of: 1 },
  };
  expect(falseHeals(some)).toBe("0 of 1,200");
  expect(timeToRepair(some)).toBe("4.2 s, over 1 stable heal");
});
