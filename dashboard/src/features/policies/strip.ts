/** Openings as Central computed them, laid out on the days of the site's own clock. */

export interface Opening {
  from: string;
  to: string;
  localFrom: string;
  localTo: string;
}

export interface Preview {
  zone: string;
  from: string;
  days: number;
  openings: Opening[];
}

/** A stretch of a day, in minutes of its wall clock; `label` as the clocks show both ends. */
export interface Stretch {
  start: number;
  end: number;
  label: string;
}

export interface StripDay {
  date: string;
  name: string;
  stretches: Stretch[];
}

export const DAY_MINUTES = 24 * 60;
const DAY_MS = 86_400_000;
const LAST = { date: 10, clock: 16 };

/** One entry per day of the stretch asked for, the first being the day of `from` in the zone. */
export function daysOf({ zone, from, days, openings }: Preview): StripDay[] {
  const first = new Date(from).toLocaleDateString("en-CA", { timeZone: zone });
  return Array.from({ length: days }, (_, index) => {
    const date = addDays(first, index);
    const stretches = openings.flatMap((opening) => onDay(opening, date));
    return { date, name: dayName(date), stretches };
  });
}

/** "Mon 22:00–05:01, Tue 22:00–05:01": what a screen reader hears of a day, or "closed". */
export function dayWords({ name, stretches }: StripDay): string {
  return `${name}: ${stretches.map(({ label }) => label).join(", ") || "closed"}`;
}

function onDay({ localFrom, localTo }: Opening, date: string): Stretch[] {
  const [firstDate, lastDate] = [localFrom.slice(0, LAST.date), localTo.slice(0, LAST.date)];
  if (date < firstDate || date > lastDate) return [];
  const start = date === firstDate ? minutes(localFrom) : 0;
  const end = date === lastDate ? minutes(localTo) : DAY_MINUTES;
  // On the night on which clocks go back an opening may end before it begins, by the clock.
  if (end === 0 && start === 0) return [];
  const [low, high] = start <= end ? [start, end] : [end, start];
  return [{ start: low, end: high, label: `${clock(start)}–${clock(end)}` }];
}

function minutes(local: string): number {
  return Number(local.slice(11, 13)) * 60 + Number(local.slice(14, LAST.clock));
}

function clock(minute: number): string {
  const pad = (part: number) => String(part).padStart(2, "0");
  return `${pad(Math.floor(minute / 60))}:${pad(minute % 60)}`;
}

function addDays(date: string, count: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + count * DAY_MS).toISOString().slice(0, LAST.date);
}

function dayName(date: string): string {
  return new Date(`${date}T00:00:00Z`).toLocaleDateString("en-GB", {
    weekday: "short",
    day: "numeric",
    month: "short",
    timeZone: "UTC",
  });
}
