/** In which order a page of what is in force stands. */
import type { DeviationPage } from "@/api/types";

type Listed = Pick<DeviationPage, "items">;

/**
 * What has changed comes first, wherever the list itself has it: it is what somebody has to look at.
 * A later page has only what the first one did not show.
 */
export function inOrder(changed: Listed, page: Listed, isFirst: boolean): DeviationPage["items"] {
  const shown = new Set(changed.items.map(({ id }) => id));
  const others = page.items.filter(({ id }) => !shown.has(id));
  return isFirst ? [...changed.items, ...others] : others;
}
