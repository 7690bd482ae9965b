import { expect, test } from "vitest";
import { duration, local, relative, utc } from "@/ui/time";

const NOW = new Date("2026-11-21T09:12:00Z");
const before = (seconds: number) => new Date(NOW.getTime() - seconds * 1000);

test.each([
  [1, "just now"],
  [12, "12 s ago"],
  [89, "89 s ago"],
  [180, "3 min ago"],
  [7200, "2 h ago"],
  [35 * 3600, "35 h ago"],
  [5 * 86_400, "5 days ago"],
  [-23 * 3600, "in 23 h"],
])("%i seconds before now is %s", (seconds, words) => {
  expect(relative(before(seconds), NOW)).toBe(words);
});

test("the exact moment is said in UTC", () => {
  expect(utc(new Date("2026-11-21T09:00:00.123Z"))).toBe("2026-11-21 09:00:00.123 UTC");
});

test("the wall clock names the day when it is not today, and the year when it is not this year", () => {
  expect(local(NOW, NOW)).toMatch(/^\d\d:\d\d$/);
  expect(local(before(3 * 86_400), NOW)).toMatch(/^18 Nov, \d\d:\d\d$/);
  expect(local(before(400 * 86_400), NOW)).toMatch(/2025, \d\d:\d\d$/);
});

test.each([
  [14, "14 ms"],
  [1234, "1.2 s"],
  [180_000, "3 min"],
])("%i ms is %s", (ms, words) => {
  expect(duration(ms)).toBe(words);
});
