/** GET /holds: those that stand, or all there ever were. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import { PAGE_ROWS } from "@/api/rows";

export const holdsQuery = (state: "active" | "all", cursor?: string) =>
  queryOptions({
    queryKey: ["holds", state, cursor ?? null],
    queryFn: ({ signal }) =>
      body(
        client.GET("/api/v1/holds", {
          params: { query: { state, limit: PAGE_ROWS, cursor } },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
  });
