import { expect, test } from "vitest";
import { changes, merge, placed } from "@/features/policies/differ";
import { put } from "@/features/policies/edit";
import type { Rule } from "@/features/policies/rule";

const base: Rule = {
  id: "night",
  when: { kpiId: "patching", severity: ["high"] },
  action: "patching.enable_automatic",
  approval: { required: true, roles: ["manager"] },
  window: { days: [1, 2], start: "22:00", end: "05:00" },
  limits: { maxRunsPerHostPerDay: 1 },
  revision: 3,
};

test("what a rule leaves out and what it says by default are the same", () => {
  expect(changes(base, { ...base, enabled: true, priority: 0, mode: "enforce", name: null })).toEqual([]);
  expect(changes(base, { ...base, revision: 9 })).toEqual([]);
});

test("changes are told field by field, a window and a parameter whole", () => {
  const window = { days: [1, 2], start: "22:00", end: "04:00" };
  const params = { units: ["a", "b"] };
  const made = { ...put(base, "approval.roles", ["admin"]), window, params };
  expect(changes(base, made).map(({ path }) => path)).toEqual([
    "approval.roles",
    "window",
    "params.units",
  ]);
});

test("two people who changed other fields both keep what they did", () => {
  const mine = put(base, "limits.maxRunsPerHostPerDay", 5);
  const theirs = { ...put(base, "name", "Nightly"), revision: 4 };
  const { rule, conflicts, taken } = merge(base, mine, theirs);
  expect(conflicts).toEqual([]);
  expect(taken).toEqual([{ path: "name", before: undefined, after: "Nightly" }]);
  expect(rule).toEqual({ ...theirs, limits: { maxRunsPerHostPerDay: 5 } });
});

test("where both changed a field differently, nobody is overruled unasked", () => {
  const mine = put(base, "approval.roles", ["admin"]);
  const theirs = { ...put(base, "approval.roles", ["manager", "admin"]), revision: 4 };
  const { rule, conflicts } = merge(base, mine, theirs);
  expect(conflicts).toEqual([
    { path: "approval.roles", base: ["manager"], mine: ["admin"], theirs: ["manager", "admin"] },
  ]);
  expect(rule.approval?.roles).toEqual(["manager", "admin"]);
  expect(placed(rule, "approval.roles", ["admin"]).approval?.roles).toEqual(["admin"]);
});

test("the same change on both sides is no conflict", () => {
  const mine = put(base, "enabled", false);
  expect(merge(base, mine, { ...mine, revision: 4 }).conflicts).toEqual([]);
});

test("what one took away and the other changed is a conflict", () => {
  const mine = put(base, "window", undefined);
  const window = { days: [3], start: "01:00", end: "02:00" };
  const { conflicts } = merge(base, mine, { ...base, window, revision: 4 });
  expect(conflicts.map(({ path, mine: ours, theirs }) => [path, ours, theirs])).toEqual([
    ["window", undefined, window],
  ]);
});

test("a name with a dot in it is one step of a path", () => {
  const mine = { ...base, params: { "a.b": 1 } };
  const [change] = changes(base, mine);
  expect(placed(base, change?.path ?? "", change?.after)).toEqual(mine);
});
