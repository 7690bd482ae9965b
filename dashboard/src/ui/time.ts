/** Times in words: relative, in the viewer's zone, and the exact UTC. */

const SECOND_MS = 1_000;
const STEPS: [limitS: number, unitS: number, unit: string][] = [
  [90, 1, "s"],
  [90 * 60, 60, "min"],
  [36 * 3600, 3600, "h"],
];
const DAY_S = 86_400;

/** "12 s ago", "3 min ago", "2 h ago", "5 days ago"; "in 23 h" for what is ahead. */
export function relative(at: Date, now: Date): string {
  const seconds = Math.round((now.getTime() - at.getTime()) / SECOND_MS);
  if (Math.abs(seconds) < 3) return "just now";
  const amount = span(Math.abs(seconds));
  return seconds > 0 ? `${amount} ago` : `in ${amount}`;
}

/** Wall clock of the viewer: "09:12" today, "20 Nov, 09:12" before, with the year when another. */
export function local(at: Date, now: Date): string {
  const clock = at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (at.toDateString() === now.toDateString()) return clock;
  const sameYear = at.getFullYear() === now.getFullYear();
  const day = at.toLocaleDateString("en-GB", {
    day: "numeric",
    month: "short",
    ...(sameYear ? {} : { year: "numeric" }),
  });
  return `${day}, ${clock}`;
}

/** "2026-11-21 09:00:00.123 UTC" */
export function utc(at: Date): string {
  return `${at.toISOString().replace("T", " ").replace("Z", "")} UTC`;
}

/** Milliseconds as a person says them: "14 ms", "1.2 s", "3 min". */
export function duration(ms: number): string {
  if (ms < SECOND_MS) return `${Math.round(ms)} ms`;
  if (ms < 90 * SECOND_MS) return `${(ms / SECOND_MS).toFixed(1)} s`;
  return span(Math.round(ms / SECOND_MS));
}

function span(seconds: number): string {
  for (const [limit, size, unit] of STEPS) {
    if (seconds < limit) return `${Math.round(seconds / size)} ${unit}`;
  }
  return `${Math.round(seconds / DAY_S)} days`;
}
