/** What would have run, grouped by what the policy would have answered. */
import type { Verdict, WouldRun } from "@/api/types";

export interface WouldGroup {
  verdict: Verdict;
  title: string;
  items: WouldRun[];
}

const TITLES: Record<Verdict, string> = {
  run: "Would run by itself",
  ask: "Would ask for an approval first",
  offer: "Would be offered to a person",
  block: "Would still be blocked",
};
const ORDER: readonly Verdict[] = ["run", "ask", "offer", "block"];

export function grouped(items: WouldRun[]): WouldGroup[] {
  return ORDER.map((verdict) => ({
    verdict,
    title: TITLES[verdict],
    items: items.filter((item) => (item.would?.verdict ?? "block") === verdict),
  })).filter((group) => group.items.length > 0);
}
