/** The words of a replay. */
import type { Replay } from "@/features/policies/get-replay";
import { local } from "@/ui/time";

const DAY_MS = 24 * 3_600_000;

/** "of the last 30 days"; where older ones were not looked at, from when on. */
export function spanWords({ since, until, complete }: Replay, now = new Date()): string {
  const begin = new Date(since);
  if (!complete) return `since ${local(begin, now)}`;
  const days = Math.max(1, Math.round((Date.parse(until) - begin.getTime()) / DAY_MS));
  return days === 1 ? "of the last day" : `of the last ${days} days`;
}

/** "1 decision", "1,204 decisions". */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}
