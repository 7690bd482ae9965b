import { expect, test } from "vitest";
import { type Day, dayProblem, fromSpans, spanWords, toSpans, usualWeek } from "@/features/sites/hours";

const MORNING = { start: "08:00", end: "12:00" };
const AFTERNOON = { start: "13:00", end: "17:00" };
const NIGHT = { start: "22:00", end: "06:00" };
const MONDAY = 1;
const TUESDAY = 2;

function week(days: Record<number, Day>): Day[] {
  return Array.from({ length: 7 }, (_, day) => days[day] ?? []);
}

test("days of the same times become one span, and come back as they were", () => {
  const usual = usualWeek();
  usual[6] = [{ start: "09:00", end: "12:00" }];
  const spans = toSpans(usual);
  expect(spans).toEqual([
    { days: [1, 2, 3, 4, 5], start: "08:00", end: "18:00" },
    { days: [6], start: "09:00", end: "12:00" },
  ]);
  expect(fromSpans(spans)).toEqual(usual);
});

test("a day may have several spans, and one that ends the next day", () => {
  const days = week({ [MONDAY]: [MORNING, AFTERNOON, NIGHT] });
  expect(fromSpans(toSpans(days))).toEqual(days);
  expect(dayProblem(days, MONDAY)).toBeNull();
  expect(dayProblem(days, TUESDAY)).toBeNull();
});

test.each([
  [[1, 2, 3, 4, 5], "08:00", "18:00", "Mon–Fri 08:00–18:00"],
  [[0, 6], "09:00", "12:00", "Sat, Sun 09:00–12:00"],
  [[1, 3], "22:00", "06:00", "Mon, Wed 22:00–06:00 (next day)"],
])("%j %s–%s is %s", (days, start, end, words) => {
  expect(spanWords({ days, start, end })).toBe(words);
});

test.each<[string, Day, string | null]>([
  ["closed", [], null],
  ["equal", [{ start: "08:00", end: "08:00" }], "Opening and closing time are the same"],
  ["half given", [{ start: "", end: "08:00" }], "Give both times"],
  ["overlapping", [{ start: "08:00", end: "13:30" }, AFTERNOON], "Two of its times overlap at 13:00"],
  ["in any order", [AFTERNOON, { start: "08:00", end: "13:30" }], "Two of its times overlap at 13:00"],
  ["touching", [{ start: "08:00", end: "13:00" }, AFTERNOON], null],
  ["within a night", [NIGHT, { start: "23:00", end: "23:30" }], "Two of its times overlap at 23:00"],
])("a day that is %s", (_, day, problem) => {
  expect(dayProblem(week({ [MONDAY]: day }), MONDAY)).toBe(problem);
});

test("hours that go on from the day before are not opened again, across the week's end too", () => {
  const early = [{ start: "05:00", end: "09:00" }];
  expect(dayProblem(week({ [MONDAY]: [NIGHT], [TUESDAY]: early }), TUESDAY)).toBe(
    "It opens before Monday's last hours end, at 06:00",
  );
  expect(dayProblem(week({ 6: [NIGHT], 0: early }), 0)).toBe(
    "It opens before Saturday's last hours end, at 06:00",
  );
});
