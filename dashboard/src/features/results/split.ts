/** A host's results, those that ask for something first. */
import type { Cell, SiteResults } from "@/api/types";

export interface Measured {
  id: string;
  title: string;
  cell: Cell;
}

const ORDER: Record<Cell["outcome"], number> = { fail: 0, unknown: 1, pass: 2, not_applicable: 3 };

export function split(
  checks: SiteResults["checks"],
  cells: SiteResults["hosts"][number]["cells"],
): { asking: Measured[]; quiet: Measured[] } {
  const all = checks
    .flatMap(({ id, title }) => {
      const cell = cells[id];
      return cell === undefined ? [] : [{ id, title, cell }];
    })
    .sort((one, other) => ORDER[one.cell.outcome] - ORDER[other.cell.outcome]);
  const isAsking = ({ cell }: Measured) => cell.outcome === "fail" || cell.outcome === "unknown";
  return { asking: all.filter(isAsking), quiet: all.filter((one) => !isAsking(one)) };
}
