/** GET /deviations: those in force, those that have changed, or all there ever were. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import { PAGE_ROWS } from "@/api/rows";

export const deviationsQuery = (state: "in_force" | "changed" | "ended", cursor?: string) =>
  queryOptions({
    queryKey: ["deviations", state, cursor ?? null],
    queryFn: ({ signal }) =>
      body(
        client.GET("/api/v1/deviations", {
          params: { query: { state, limit: PAGE_ROWS, cursor } },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
  });
