import { expect, test } from "vitest";
import type { Rule } from "@/features/policies/rule";
import {
  approvalWords,
  daysWords,
  effectWords,
  limitWords,
  minutesWords,
  NO_NAMES,
  scopeWords,
  windowWords,
} from "@/features/policies/words";

const rule: Rule = { id: "r", when: { kpiId: "margin", severity: ["warn"] }, action: "a" };

test("a rule without a window is always open and needs no approval", () => {
  expect(windowWords(rule)).toBe("always");
  expect(approvalWords(rule)).toBe("not needed");
  expect(effectWords(rule)).toBe("Offer to a person");
  expect(limitWords(rule)).toEqual([]);
  expect(scopeWords(rule.scope, NO_NAMES)).toBe("everywhere");
});

test("the words follow the rule", () => {
  const window = { days: [1, 5], start: "08:00", end: "18:00" };
  expect(windowWords({ ...rule, window })).toBe("Mon, Fri 08:00–18:00");
  expect(windowWords({ ...rule, window, openingHours: "outside" })).toBe(
    "Mon, Fri 08:00–18:00, while the site is closed",
  );
  const approval = { required: true, roles: ["manager", "admin"], bypassIfSeverity: "crit" };
  expect(approvalWords({ ...rule, approval })).toBe("manager or admin, not from critical on");
  expect(approvalWords({ ...rule, approval: { required: true, quorum: 2, selfApprove: true } })).toBe(
    "2 of anybody who may approve, also for oneself",
  );
  expect(effectWords({ ...rule, approval, autoExecute: true })).toBe("Ask first");
  expect(effectWords({ ...rule, autoExecute: true })).toBe("Run by itself");
  expect(effectWords({ ...rule, effect: "deny" })).toBe("Forbid");
  expect(effectWords({ ...rule, autoSuggest: false })).toBe("Nothing");
});

test.each([
  [[1, 2, 3, 4, 5], "Mon–Fri"],
  [[6, 0], "Sat, Sun"],
  [[5, 6, 0], "Fri–Sun"],
  [[0, 1, 2, 3, 4, 5, 6], "every day"],
  [[1, 3, 3], "Mon, Wed"],
  [[], "never"],
])("the days %j are %s", (days, words) => {
  expect(daysWords(days)).toBe(words);
});

test("a scope names sites and hosts where it knows them, and says what narrows it", () => {
  const names = { ...NO_NAMES, sites: new Map([["s1", "Harbour"]]), hosts: new Map([["h1", "desk"]]) };
  expect(scopeWords({ site: "s1", host: "h1" }, names)).toBe("desk at Harbour");
  expect(scopeWords({ site: "s2", platform: "linux/debian", tags: ["lab"] }, names)).toBe(
    "s2, only linux/debian, tagged lab",
  );
  expect(scopeWords({ partner: "p" }, names)).toBe("all your sites");
});

test("limits and pauses are said with what they count, also one that is not known", () => {
  const limits = { maxRunsPerHostPerDay: 1, maxMoons: 2 };
  expect(limitWords({ ...rule, limits, cooldownMinutes: 90 })).toEqual([
    "Runs per host in 24 h: 1",
    "maxMoons: 2",
    "90 minutes apart",
  ]);
  expect([minutesWords(60), minutesWords(2880)]).toEqual(["1 hour", "2 days"]);
});
