/** GET /sites/{id}/evidence: the site's log, newest entry first. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import { PAGE_ROWS } from "@/api/rows";

export const evidenceQuery = (siteId: string, cursor?: string) =>
  queryOptions({
    queryKey: ["evidence", siteId, cursor ?? null],
    queryFn: ({ signal }) =>
      body(
        client.GET("/api/v1/sites/{site_id}/evidence", {
          params: { path: { site_id: siteId }, query: { limit: PAGE_ROWS, cursor } },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
  });
