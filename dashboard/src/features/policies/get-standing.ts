/** POST /policies/standing: whether the rules of a page are open, until the first of them turns. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import type { Standing } from "@/features/policies/state";

const TURN_MS_MAX = 24 * 3_600_000;
const TURN_MS_MIN = 1_000;

export const standingQuery = (ids: string[]) =>
  queryOptions({
    queryKey: ["policy-standing", ids],
    queryFn: async ({ signal }): Promise<Standing[]> => {
      const answer = client.POST("/api/v1/policies/standing", { body: { ids } as never, signal });
      return ((await body(answer)) as unknown as { items: Standing[] }).items;
    },
    enabled: ids.length > 0,
    placeholderData: keepPreviousData,
    // Nothing is asked until the clock itself turns one of them.
    refetchInterval: ({ state }) => untilTurn(state.data, Date.now()),
  });

/** Milliseconds until the first rule turns; false where none does. */
export function untilTurn(items: Standing[] | undefined, now: number): number | false {
  const turns = (items ?? []).flatMap(({ turnsAt }) => (turnsAt ? [Date.parse(turnsAt)] : []));
  if (turns.length === 0) return false;
  return Math.min(Math.max(Math.min(...turns) - now, TURN_MS_MIN), TURN_MS_MAX);
}
