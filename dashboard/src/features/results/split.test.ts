import { expect, test } from "vitest";
import type { Cell } from "@/api/types";
import { split } from "@/features/results/split";

const CHECKS = ["a", "b", "c", "d", "e"].map((id) => ({ id, title: id.toUpperCase() }));

function cell(outcome: Cell["outcome"]): Cell {
  return { outcome, severity: "low", summary: "", effective_at: "", deviation_id: null, accepted: false, log_index: 0 };
}

test("what fails comes first, then what is unknown; what was never measured is not made up", () => {
  const { asking, quiet } = split(CHECKS, {
    a: cell("not_applicable"),
    b: cell("pass"),
    c: cell("unknown"),
    d: cell("fail"),
  });
  expect(asking.map(({ id }) => id)).toEqual(["d", "c"]);
  expect(quiet.map(({ id }) => id)).toEqual(["b", "a"]);
});
