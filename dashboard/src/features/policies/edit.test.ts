import { expect, test } from "vitest";
import { idFrom, Problems, put } from "@/features/policies/edit";
import { inputText, readInput, readMap } from "@/features/policies/inputs";
import type { Rule } from "@/features/policies/rule";

const rule = {
  id: "r",
  when: { kpiId: "margin", severity: ["warn"], fromLater: { kept: true } },
  action: "a",
  approval: { required: true, roles: ["manager"], fromLater: 7 },
  alsoLater: [1, 2],
} as unknown as Rule;

test("writing a field leaves everything else as it was, also what the form does not know", () => {
  const made = put(put(rule, "when.kpiId", "stock"), "approval.roles", undefined);
  expect(made).toEqual({
    ...rule,
    when: { ...rule.when, kpiId: "stock" },
    approval: { required: true, fromLater: 7 },
  });
  expect(rule.when.kpiId).toBe("margin");
});

test("a map that loses its last field goes with it", () => {
  const limited = put(rule, "limits.maxDailyQty", 3);
  expect(limited.limits).toEqual({ maxDailyQty: 3 });
  expect(put(limited, "limits.maxDailyQty", undefined)).toEqual(rule);
});

test("problems are told at their field, wherever the rule stood in what was sent", () => {
  const problems = new Problems([
    { path: "rules[0].when.condition", reason: "line 1, column 7" },
    { path: "rules[0].window.days[2]", reason: "too large" },
    { path: "when.severity[0]", reason: "unknown" },
    { path: "rules[0]", reason: "too many bytes" },
  ]);
  expect(problems.at("when.condition")).toBe("line 1, column 7");
  expect(problems.at("window.days")).toBe("too large");
  expect(problems.at("when.severity")).toBe("unknown");
  expect(problems.at("action")).toBeNull();
  expect(problems.beside(["when", "window"])).toEqual([{ path: "$", reason: "too many bytes" }]);
});

test("an id is made of a name", () => {
  expect(idFrom("Night patches, Hafen-Praxis Köln!")).toBe("night-patches-hafen-praxis-koln");
  expect(idFrom("…")).toBe("");
});

test.each([
  ["", undefined],
  ["a, b", ["a", "b"]],
  ["{facts.paths}", "{facts.paths}"],
  ["[1, 2]", [1, 2]],
  ["22", 22],
  ["true", true],
  ['{"warn": 1}', { warn: 1 }],
  ["plain", "plain"],
])("an input typed as %j is %j, and is shown so that it reads the same", (typed, value) => {
  expect(readInput(typed)).toEqual(value);
  expect(readInput(inputText(value))).toEqual(value);
});

test.each(["22", "true", "a, b", "[x", ""])("the text %j stays a text", (text) => {
  expect(readInput(inputText([text, "x"]))).toEqual([text, "x"]);
  if (text !== "") expect(readInput(inputText(text))).toBe(text);
});

test("what is no map in JSON is told", () => {
  expect(readMap("[1]").map).toBeNull();
  expect(readMap("{").map).toBeNull();
  expect(readMap(" ").map).toEqual({});
});
