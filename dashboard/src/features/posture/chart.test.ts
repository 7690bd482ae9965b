import { expect, test } from "vitest";
import { area, dots, type Frame, line, type Moment, runs, x, y } from "@/features/posture/chart";
import { statusWord } from "@/features/posture/Statuses";

const HOUR_MS = 3_600_000;
const START = Date.parse("2026-11-21T00:00:00Z");
const FRAME: Frame = {
  left: 10,
  top: 0,
  width: 100,
  height: 50,
  since: START,
  until: START + 10 * HOUR_MS,
};

function moment(hour: number, passed: number, measured = 2): Moment {
  return {
    at: new Date(START + hour * HOUR_MS).toISOString(),
    score: { passed, assessed: 10, unknown: 0, measured_hosts: measured, hosts: 3, accepted: 0 },
    results: { pass: passed, fail: 10 - passed, unknown: 0, not_applicable: 0, accepted: 0 },
  };
}

test("a gap is a gap: nothing joins points between which no snapshot was taken", () => {
  const found = runs(dots([moment(0, 8), moment(1, 9), moment(6, 9), moment(7, 10)]), 600);
  expect(found.map((run) => run.map(({ share }) => share))).toEqual([
    [0.8, 0.9],
    [0.9, 1],
  ]);
});

test("long steps are no gaps", () => {
  expect(runs(dots([moment(0, 8), moment(5, 9)]), 5 * 3_600)).toHaveLength(1);
});

test("a moment with too little measured, or with nothing, is not drawn as a score", () => {
  const nothing = { ...moment(2, 0), score: null };
  const all = dots([moment(0, 8), moment(1, 10, 1), nothing, moment(3, 9)]);
  expect(all.map(({ share }) => share)).toEqual([0.8, null, null, 0.9]);
  expect(runs(all, 600)).toHaveLength(2);
});

test("points stand in order and inside the frame", () => {
  const all = dots([moment(3, 9), moment(1, 8)]);
  expect(all.map(({ share }) => share)).toEqual([0.8, 0.9]);
  expect(x(FRAME, START + 5 * HOUR_MS)).toBe(60);
  expect(x(FRAME, START - HOUR_MS)).toBe(10);
  expect(x(FRAME, START + 11 * HOUR_MS)).toBe(110);
  expect([y(FRAME, 0), y(FRAME, 1)]).toEqual([50, 0]);
});

test("a score holds until the next one, and the area stands on the floor", () => {
  const run = dots([moment(0, 8), moment(5, 9)]);
  expect(line(FRAME, run)).toBe("M10 10H60V5");
  expect(area(FRAME, run)).toBe("M10 10H60V5L60 50L10 50Z");
  expect(area(FRAME, [])).toBe("");
});

test("not measured is neither yes nor no", () => {
  expect([true, false, null].map((status) => statusWord(status).label)).toEqual([
    "Yes",
    "No",
    "Not measured",
  ]);
});
