/** How a site's incidents ended, in two short lines; nothing is said of what did not happen. */
import type { SiteOverview } from "@/api/types";

type Summary = SiteOverview["incidents"];

/** "117 healed, 1 with a person, of 118" */
export function endings({ total, success_count, failed, escalated }: Summary): string {
  if (total === 0) return "none so far";
  const ended = some([
    [success_count, "healed"],
    [failed, "failed"],
    [escalated, "with a person"],
  ]);
  return ended ? `${ended}, of ${total}` : `${total} in all`;
}

/** Who resolved them: "117 by rule (L1), 1 by a person (L3)"; empty where nobody has yet. */
export function levels({ l1_count, l2_count, l3_count }: Summary): string {
  return some([
    [l1_count, "by rule (L1)"],
    [l2_count, "by plan (L2)"],
    [l3_count, "by a person (L3)"],
  ]);
}

function some(counts: [count: number, word: string][]): string {
  return counts
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`)
    .join(", ");
}
