/** Opening hours: the editor's week of seven days, the API's spans, and their words. */
import type { OpeningHours } from "@/api/types";

export interface Span {
  start: string;
  end: string;
}

/** The spans that begin on a day; none: closed. One whose end is before its start ends the next day. */
export type Day = Span[];

export const SPANS_PER_DAY_MAX = 3;
/** Monday first, as people read a week; the numbers are the API's (0 = Sunday). */
export const WEEK: readonly number[] = [1, 2, 3, 4, 5, 6, 0];
export const DAY_NAMES = [
  "Sunday",
  "Monday",
  "Tuesday",
  "Wednesday",
  "Thursday",
  "Friday",
  "Saturday",
] as const;
export const USUAL: Span = { start: "08:00", end: "18:00" };
const SHORT = DAY_NAMES.map((name) => name.slice(0, 3));
const DAY_MINUTES = 24 * 60;

/** Indexed by the API's day number. */
export function usualWeek(): Day[] {
  return DAY_NAMES.map((_, day) => (day >= 1 && day <= 5 ? [{ ...USUAL }] : []));
}

/** What is wrong with a day's spans, in words; they are looked at together with the days beside. */
export function dayProblem(week: Day[], day: number): string | null {
  const spans = week[day] ?? [];
  if (spans.some(({ start, end }) => !start || !end)) return "Give both times";
  if (spans.some(({ start, end }) => start === end)) return "Opening and closing time are the same";
  const own = spans.map(minutes).sort((one, other) => one[0] - other[0]);
  const clash = own.find(([start], index) => index > 0 && start < (own[index - 1]?.[1] ?? 0));
  if (clash) return `Two of its times overlap at ${clock(clash[0])}`;
  const late = overnight(week[(day + 6) % 7] ?? []);
  if (late !== null && own[0] !== undefined && own[0][0] < late) {
    return `It opens before ${DAY_NAMES[(day + 6) % 7]}'s last hours end, at ${clock(late)}`;
  }
  return null;
}

/** Spans of the same times become one, with all their days. */
export function toSpans(week: Day[]): OpeningHours[] {
  const spans = new Map<string, OpeningHours>();
  week.forEach((day, number) => {
    for (const { start, end } of day) {
      const key = `${start}-${end}`;
      const span = spans.get(key);
      if (span) span.days.push(number);
      else spans.set(key, { days: [number], start, end });
    }
  });
  return [...spans.values()];
}

export function fromSpans(spans: OpeningHours[]): Day[] {
  return DAY_NAMES.map((_, number) =>
    spans
      .filter(({ days }) => days.includes(number))
      .map(({ start, end }) => ({ start, end }))
      .sort((one, other) => one.start.localeCompare(other.start)),
  );
}

export function isOvernight({ start, end }: Span): boolean {
  return start !== "" && end !== "" && start > end;
}

/** "Mon–Fri 08:00–18:00"; an end before the start is on the next day. */
export function spanWords(span: OpeningHours): string {
  return `${daysWords(span.days)} ${span.start}–${span.end}${isOvernight(span) ? " (next day)" : ""}`;
}

/** Minutes from the day's midnight; an overnight end is beyond the day. */
function minutes(span: Span): [start: number, end: number] {
  const [start, end] = [minute(span.start), minute(span.end)];
  return [start, end < start ? end + DAY_MINUTES : end];
}

function minute(text: string): number {
  const [hours = 0, rest = 0] = text.split(":").map(Number);
  return hours * 60 + rest;
}

/** Until which minute of the next day a day's last span goes; null where none does. */
function overnight(day: Day): number | null {
  const ends = day.filter(isOvernight).map(({ end }) => minute(end));
  return ends.length > 0 ? Math.max(...ends) : null;
}

function clock(at: number): string {
  const pad = (part: number) => String(part).padStart(2, "0");
  return `${pad(Math.floor(at / 60) % 24)}:${pad(at % 60)}`;
}

function daysWords(days: number[]): string {
  const runs: number[][] = [];
  for (const day of WEEK.filter((candidate) => days.includes(candidate))) {
    const last = runs.at(-1);
    const isNext = last !== undefined && WEEK.indexOf(last.at(-1) ?? -1) + 1 === WEEK.indexOf(day);
    if (isNext) last.push(day);
    else runs.push([day]);
  }
  return runs.map(runWords).join(", ");
}

function runWords(run: number[]): string {
  const names = run.map((day) => SHORT[day]);
  return names.length > 2 ? `${names[0]}–${names.at(-1)}` : names.join(", ");
}
