import { expect, test } from "vitest";
import { proof } from "@/features/runbooks/proof";

const heals = {
  days: 30,
  total: 5,
  watched: 1,
  stable: 3,
  recurred: 1,
  unproved: 0,
  undone: 0,
  false_heals: { recurred: 1, of: 4 },
  time_to_repair: null,
};

test("a runbook is proved by the heals whose watch is over, and by nothing else", () => {
  expect(proof({ heals, unhelped: 0 })).toEqual({
    headline: "3 of 4 stable",
    detail: "1 watched now",
    isDoubtful: true,
  });
});

test("without a decided heal nothing is claimed", () => {
  expect(proof({ heals: null, unhelped: 0 })).toEqual({
    headline: "Not proved yet",
    detail: "",
    isDoubtful: false,
  });
  const watched = { ...heals, stable: 0, recurred: 0 };
  expect(proof({ heals: watched, unhelped: 2 })).toEqual({
    headline: "Not proved yet",
    detail: "1 watched now, did not help 2 open incidents",
    isDoubtful: true,
  });
});
