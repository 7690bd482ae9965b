/** How well repairs last: always so many of so many, and nothing where nothing was measured. */
import type { Fleet } from "@/api/types";
import { duration } from "@/ui/time";

type Heals = Fleet["totals"]["heals"];

/** "2 of 117", or null before a watch is over. */
export function falseHeals({ false_heals: found }: Heals): string | null {
  return found && `${found.recurred.toLocaleString("en")} of ${found.of.toLocaleString("en")}`;
}

/** "4.2 s, over 115 stable heals", or null before one is stable. */
export function timeToRepair({ time_to_repair: found }: Heals): string | null {
  if (!found) return null;
  const heals = found.of === 1 ? "stable heal" : "stable heals";
  return `${duration(found.mean_s * 1000)}, over ${found.of.toLocaleString("en")} ${heals}`;
}
