import { expect, test } from "vitest";
import type { EvidencePage } from "@/api/types";
import { coverage } from "@/features/evidence/coverage";

const log: EvidencePage["log"] = {
  size: 10,
  checkpoint_size: 8,
  checkpoint_at: null,
  root: null,
  witnessed_size: 5,
  origin: "o",
};

test("a size covers the entries below it and not the one at it", () => {
  expect(coverage(4, log).label).toBe("Witnessed");
  expect(coverage(5, log).label).toBe("Checkpointed");
  expect(coverage(7, log).label).toBe("Checkpointed");
  expect(coverage(8, log).label).toBe("Logged");
});
