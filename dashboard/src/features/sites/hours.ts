/** Opening hours: the editor's week of seven days, the API's spans, and their words. */
import type { OpeningHours } from "@/api/types";

export interface Day {
  isOpen: boolean;
  start: string;
  end: string;
}

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
const SHORT = DAY_NAMES.map((name) => name.slice(0, 3));

/** Indexed by the API's day number. */
export function usualWeek(): Day[] {
  return DAY_NAMES.map((_, day) => ({
    isOpen: day >= 1 && day <= 5,
    start: "08:00",
    end: "18:00",
  }));
}

export function dayProblem(day: Day): string | null {
  if (!day.isOpen) return null;
  if (!day.start || !day.end) return "Give both times";
  return day.start === day.end ? "Opening and closing time are the same" : null;
}

/** Days of the same times become one span. */
export function toSpans(week: Day[]): OpeningHours[] {
  const spans = new Map<string, OpeningHours>();
  week.forEach(({ isOpen, start, end }, day) => {
    if (!isOpen) return;
    const key = `${start}-${end}`;
    const span = spans.get(key);
    if (span) span.days.push(day);
    else spans.set(key, { days: [day], start, end });
  });
  return [...spans.values()];
}

/** The editor's week, if these spans fit in it (no day has two of them); null where they do not. */
export function fromSpans(spans: OpeningHours[]): Day[] | null {
  const week = usualWeek().map((day) => ({ ...day, isOpen: false }));
  for (const { days, start, end } of spans) {
    for (const day of days) {
      if (week[day] === undefined || week[day].isOpen) return null;
      week[day] = { isOpen: true, start, end };
    }
  }
  return week;
}

/** "Mon–Fri 08:00–18:00"; an end before the start is on the next day. */
export function spanWords(span: OpeningHours): string {
  const overnight = span.start > span.end ? " (next day)" : "";
  return `${daysWords(span.days)} ${span.start}–${span.end}${overnight}`;
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
