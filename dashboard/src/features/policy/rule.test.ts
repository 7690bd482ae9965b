import { expect, test } from "vitest";
import { approvalWords, effectWords, type Rule, windowWords } from "@/features/policy/rule";

const rule: Rule = { id: "r", when: { kpiId: "margin", severity: ["warn"] }, action: "a" };

test("a rule without a window is always open and needs no approval", () => {
  expect(windowWords(rule)).toBe("always");
  expect(approvalWords(rule)).toBe("not needed");
  expect(effectWords(rule)).toBe("Offer to a person");
});

test("the words follow the rule", () => {
  const window = { days: [1, 5], start: "08:00", end: "18:00" };
  expect(windowWords({ ...rule, window })).toBe("Mon Fri, 08:00–18:00");
  const approval = { required: true, roles: ["manager", "admin"], bypassIfSeverity: "crit" };
  expect(approvalWords({ ...rule, approval })).toBe("manager or admin, not on crit");
  expect(effectWords({ ...rule, approval, autoExecute: true })).toBe("Ask");
  expect(effectWords({ ...rule, autoExecute: true })).toBe("Run by itself");
  expect(effectWords({ ...rule, effect: "deny" })).toBe("Deny");
  expect(effectWords({ ...rule, autoSuggest: false })).toBe("Nothing");
});
