import { expect, test } from "vitest";
import { dayProblem, fromSpans, spanWords, toSpans, usualWeek } from "@/features/sites/hours";

test("days of the same times become one span, and come back as they were", () => {
  const week = usualWeek();
  week[6] = { isOpen: true, start: "09:00", end: "12:00" };
  const spans = toSpans(week);
  expect(spans).toEqual([
    { days: [1, 2, 3, 4, 5], start: "08:00", end: "18:00" },
    { days: [6], start: "09:00", end: "12:00" },
  ]);
  expect(toSpans(fromSpans(spans) ?? [])).toEqual(spans);
});

test("a day with two spans does not fit the editor", () => {
  const day = { days: [1], start: "08:00", end: "12:00" };
  expect(fromSpans([day, { ...day, start: "13:00", end: "17:00" }])).toBeNull();
});

test.each([
  [[1, 2, 3, 4, 5], "08:00", "18:00", "Mon–Fri 08:00–18:00"],
  [[0, 6], "09:00", "12:00", "Sat, Sun 09:00–12:00"],
  [[1, 3], "22:00", "06:00", "Mon, Wed 22:00–06:00 (next day)"],
])("%j %s–%s is %s", (days, start, end, words) => {
  expect(spanWords({ days, start, end })).toBe(words);
});

test("equal times are refused, a closed day is not looked at", () => {
  expect(dayProblem({ isOpen: true, start: "08:00", end: "08:00" })).not.toBeNull();
  expect(dayProblem({ isOpen: false, start: "08:00", end: "08:00" })).toBeNull();
  expect(dayProblem({ isOpen: true, start: "", end: "08:00" })).toBe("Give both times");
});
