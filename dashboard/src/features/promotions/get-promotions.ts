/** GET /promotions: those that stand, or all there ever were. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import { PAGE_ROWS } from "@/api/rows";

export const promotionsQuery = (endedToo: boolean, cursor?: string) =>
  queryOptions({
    queryKey: ["promotions", endedToo, cursor ?? null],
    queryFn: ({ signal }) =>
      body(
        client.GET("/api/v1/promotions", {
          params: { query: { ended_too: endedToo, limit: PAGE_ROWS, cursor } },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
  });
