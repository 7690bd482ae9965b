import { expect, test } from "vitest";
import type { RunbookMerit } from "@/api/types";
import { meritWords, runWords } from "@/features/promotions/merit";

const MERIT: RunbookMerit = {
  runbook_id: "auditd.enable",
  runbook_version: "1",
  runbook_digest: "cd".repeat(32),
  runs: 6,
  watched: 0,
  stable: 6,
  failed: 0,
  recurred: 0,
  undone: 0,
  unproved: 0,
  occurrences: 6,
  by_l2: 4,
  success_pct: 97.5,
  lacking: [],
};

test("merit is told with what was verified, and as nothing where nothing was", () => {
  expect(meritWords(MERIT)).toBe("6 incidents, 4 healed for good by L2, 97.5 % verified success");
  expect(meritWords({ ...MERIT, occurrences: 1, by_l2: 0, success_pct: null })).toBe(
    "1 incident, 0 healed for good by L2, nothing verified",
  );
});

test("runs are so many of so many, and never a bare percentage", () => {
  expect(runWords({ decided: 0, stable: 0, bad: 0, watched: 0 })).toBe("It has not run yet.");
  expect(runWords({ decided: 3, stable: 2, bad: 1, watched: 1 })).toBe(
    "2 of 3 runs stable; 1 still watched.",
  );
  expect(runWords({ decided: 1, stable: 1, bad: 0, watched: 0 })).toBe("1 of 1 run stable.");
});
