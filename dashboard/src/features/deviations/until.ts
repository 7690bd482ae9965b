/** The day until which something is accepted, as a person picks it and as Central wants it. */

const DAYS_PROPOSED = 90;
const SPAN_DAYS_MAX = 366;

/** `YYYY-MM-DD` of the day so many days after `from`, on this machine's calendar. */
export function dayAfter(from: Date, days: number): string {
  const at = new Date(from);
  at.setDate(at.getDate() + days);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** The last day that Central takes, which counts to its end. */
export function lastDay(now: Date): string {
  return dayAfter(now, SPAN_DAYS_MAX - 1);
}

/** What is proposed: a quarter of a year, so that somebody looks at it once more. */
export function proposed(now: Date): string {
  return dayAfter(now, DAYS_PROPOSED);
}

/** The first day that ends later than `until` does. */
export function renewedFrom(until: Date): string {
  return dayAfter(until, 0);
}

/** As `proposed`, and always later than what stands; null where that lasts as long as may be. */
export function renewal(until: Date, now: Date): string | null {
  const [first, last] = [renewedFrom(until), lastDay(now)];
  if (first > last) return null;
  return first > proposed(now) ? first : proposed(now);
}

/** The end of that day here; null for what is no day. */
export function endOf(day: string): string | null {
  const at = new Date(`${day}T00:00:00`);
  if (!/^\d{4}-\d\d-\d\d$/.test(day) || Number.isNaN(at.getTime())) return null;
  at.setDate(at.getDate() + 1);
  return at.toISOString();
}
