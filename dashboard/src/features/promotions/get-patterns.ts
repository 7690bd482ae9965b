/** GET /patterns: what incidents and verified runs come to, per pattern. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import { PAGE_ROWS } from "@/api/rows";

export const patternsQuery = (cursor?: string) =>
  queryOptions({
    queryKey: ["patterns", cursor ?? null],
    queryFn: ({ signal }) =>
      body(
        client.GET("/api/v1/patterns", {
          params: { query: { limit: PAGE_ROWS, cursor } },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
  });
