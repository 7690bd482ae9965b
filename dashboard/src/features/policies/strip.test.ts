import { expect, test } from "vitest";
import { daysOf, dayWords } from "@/features/policies/strip";

const opening = (localFrom: string, localTo: string) => ({ from: "", to: "", localFrom, localTo });

test("a night is drawn on both of its days, on the site's own clock", () => {
  const days = daysOf({
    zone: "Europe/Berlin",
    from: "2026-11-20T23:30:00Z",
    days: 3,
    openings: [opening("2026-11-21T22:00+01:00", "2026-11-22T05:01+01:00")],
  });
  expect(days.map(({ date }) => date)).toEqual(["2026-11-21", "2026-11-22", "2026-11-23"]);
  expect(days.map(({ stretches }) => stretches.map(({ start, end }) => [start, end]))).toEqual([
    [[1320, 1440]],
    [[0, 301]],
    [],
  ]);
  expect(days.map(dayWords)).toEqual([
    "Sat 21 Nov: 22:00–24:00",
    "Sun 22 Nov: 00:00–05:01",
    "Mon 23 Nov: closed",
  ]);
});

test("an opening of several days fills those between, and one to midnight ends there", () => {
  const days = daysOf({
    zone: "UTC",
    from: "2026-11-20T10:00:00Z",
    days: 3,
    openings: [opening("2026-11-20T10:00+00:00", "2026-11-22T00:00+00:00")],
  });
  expect(days.map(({ stretches }) => stretches.length)).toEqual([1, 1, 0]);
  expect(days[1]?.stretches[0]).toEqual({ start: 0, end: 1440, label: "00:00–24:00" });
});

test("on the night on which clocks go back a short opening still shows", () => {
  const days = daysOf({
    zone: "Europe/Berlin",
    from: "2026-10-25T00:00:00Z",
    days: 1,
    openings: [opening("2026-10-25T02:50+02:00", "2026-10-25T02:10+01:00")],
  });
  expect(days[0]?.stretches[0]).toMatchObject({ start: 130, end: 170, label: "02:50–02:10" });
});
