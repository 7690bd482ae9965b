/** The day until which something is accepted, as a person picks it and as Central wants it. */

const DAY_MS = 86_400_000;
const DAYS_PROPOSED = 90;
export const DAYS_MAX = 365;

/** `YYYY-MM-DD` of the day so many days after `from`, on this machine's calendar. */
export function dayAfter(from: Date, days: number): string {
  const at = new Date(from.getTime() + days * DAY_MS);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** What is proposed: a quarter of a year, so that somebody looks at it once more. */
export function proposed(now: Date): string {
  return dayAfter(now, DAYS_PROPOSED);
}

/** The end of that day here; null for what is no day. */
export function endOf(day: string): string | null {
  const at = new Date(`${day}T00:00:00`);
  if (!/^\d{4}-\d\d-\d\d$/.test(day) || Number.isNaN(at.getTime())) return null;
  at.setDate(at.getDate() + 1);
  return at.toISOString();
}
