import { expect, test } from "vitest";
import { matching, pageOf, readRuleFilter, RULES_PER_PAGE } from "@/features/policies/filter";
import { untilTurn } from "@/features/policies/get-standing";
import type { Rule } from "@/features/policies/rule";
import { NOTHING_FROZEN, shownState, stateOf } from "@/features/policies/state";
import { NO_NAMES } from "@/features/policies/words";

const NOW = Date.parse("2026-11-21T09:00:00Z");
const rule: Rule = { id: "r", when: { kpiId: "patching", severity: ["high"] }, action: "a" };
const standing = { id: "r", open: true, turnsAt: null, zone: "UTC" };

test("the filter keeps what it knows of a URL", () => {
  expect(readRuleFilter({ q: 22, state: "expired", page: "3" })).toEqual({
    q: "22",
    state: "expired",
    page: 3,
  });
  expect(readRuleFilter({ q: "", state: "moon", page: "-1" })).toEqual({});
});

test("a rule's state is what it says, in the order of what counts", () => {
  expect(stateOf(rule, NOW)).toBe("in_force");
  expect(stateOf({ ...rule, mode: "log_only" }, NOW)).toBe("log_only");
  expect(stateOf({ ...rule, expiresAt: "2026-11-21T09:00:00Z" }, NOW)).toBe("expired");
  const off: Rule = { ...rule, enabled: false, expiresAt: "2026-11-20T09:00:00Z" };
  expect(stateOf(off, NOW)).toBe("disabled");
});

test("a closed rule says when it opens, and one that differs by site says so", () => {
  const at = "2026-11-21T22:00:00.000Z";
  const closed = shownState(rule, NOW, { ...standing, open: false, turnsAt: at }, NOTHING_FROZEN);
  expect([closed.word.label, closed.turn]).toEqual(["Closed now", { verb: "opens", at }]);
  const open = shownState(rule, NOW, { ...standing, turnsAt: at }, NOTHING_FROZEN);
  expect([open.word.label, open.turn]).toEqual(["In force", { verb: "closes", at }]);
  const never = shownState(rule, NOW, { ...standing, open: false }, NOTHING_FROZEN);
  expect(never.note).toBe("not within two weeks");
  const differs = shownState(rule, NOW, { ...standing, open: null }, NOTHING_FROZEN);
  expect(differs.note).toBe("by each site's clock");
});

test("a freeze shows at what it stops: not at a rule that forbids, nor at another site", () => {
  const frozen = { everything: false, sites: new Set(["s1"]) };
  const at = (site: string, more: Partial<Rule> = {}) =>
    shownState({ ...rule, scope: { site }, ...more }, NOW, standing, frozen).word.label;
  expect([at("s1"), at("s2"), at("s1", { effect: "deny" })]).toEqual([
    "Frozen",
    "In force",
    "In force",
  ]);
  expect(shownState(rule, NOW, standing, { ...frozen, everything: true }).word.label).toBe("Frozen");
});

test("every word of a search has to stand somewhere in what is shown", () => {
  const names = {
    ...NO_NAMES,
    checks: new Map([["patching", "Security updates"]]),
    sites: new Map([["s1", "Harbour Clinic"]]),
  };
  const rules = [rule, { ...rule, id: "other", scope: { site: "s1" } }];
  const ids = (q: string) => matching(rules, { q }, names, NOW).map(({ id }) => id);
  expect(ids("updates")).toEqual(["r", "other"]);
  expect(ids("HARBOUR updates")).toEqual(["other"]);
  expect(ids("harbour moon")).toEqual([]);
  expect(matching(rules, { state: "expired" }, names, NOW)).toEqual([]);
});

test("ten thousand rules are searched in a moment and shown page by page", () => {
  const rules = Array.from({ length: 10_000 }, (_, index) => ({ ...rule, id: `rule-${index}` }));
  const begin = performance.now();
  const found = matching(rules, { q: "rule 99 patching" }, NO_NAMES, NOW);
  expect(performance.now() - begin).toBeLessThan(1_000);
  expect(found.length).toBe(rules.filter(({ id }) => id.includes("99")).length);
  const last = pageOf(rules, 9_999);
  expect([last.page, last.pages, last.rows.length]).toEqual([200, 200, RULES_PER_PAGE]);
});

test("a page looks again when the first of its rules turns, and not before", () => {
  const items = [
    { ...standing, turnsAt: "2026-11-21T10:00:00Z" },
    { ...standing, turnsAt: "2026-11-21T09:30:00Z" },
  ];
  expect(untilTurn(items, NOW)).toBe(1_800_000);
  expect(untilTurn([standing], NOW)).toBe(false);
  expect(untilTurn(undefined, NOW)).toBe(false);
});
