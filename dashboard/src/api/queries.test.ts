import { expect, test } from "vitest";
import { Problem } from "@/api/problem";
import { isWorthRetrying } from "@/api/queries";

const refusal = (status: number, code: string) => new Problem(status, "No", "no", code);

test.each([
  [0, "unreachable", true],
  [500, "internal", true],
  [503, "busy", true],
  [429, "busy", true],
  [429, "too_many_attempts", false],
  [422, "invalid", false],
  [401, "not_signed_in", false],
])("a question that got %i %s is asked again: %s", (status, code, again) => {
  expect(isWorthRetrying(0, refusal(status, code))).toBe(again);
  expect(isWorthRetrying(2, refusal(status, code))).toBe(false);
});
