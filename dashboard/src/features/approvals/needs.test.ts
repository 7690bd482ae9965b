import { expect, test } from "vitest";
import { needsWords, timesWords } from "@/features/approvals/needs";

const need = { rule_id: "r", roles: ["manager", "admin"], quorum: 1, self_approve: false };

test.each([
  [
    need,
    "a person with the role manager or admin has to agree, and not the person who asked for it",
  ],
  [{ ...need, self_approve: true, roles: ["admin"] }, "a person with the role admin has to agree"],
  [{ ...need, self_approve: true, roles: null }, "anybody who may approve has to agree"],
  [
    { ...need, self_approve: true, quorum: 2, roles: ["manager"] },
    "2 people with the role manager have to agree",
  ],
])("%j", (given, words) => {
  expect(needsWords([given])).toEqual([words]);
});

test.each([
  [1, null],
  [2, "for the 2nd time"],
  [3, "for the 3rd time"],
  [7, "for the 7th time"],
  [11, "for the 11th time"],
  [21, "for the 21st time"],
])("asked %d times", (nth, words) => {
  expect(timesWords(nth)).toBe(words);
});
