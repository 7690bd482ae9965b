/** GET /sites/{id}/results: the latest result per host and check. */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";

export const resultsQuery = (siteId: string) =>
  queryOptions({
    queryKey: ["results", siteId],
    queryFn: ({ signal }) =>
      body(
        client.GET("/api/v1/sites/{site_id}/results", {
          params: { path: { site_id: siteId } },
          signal,
        }),
      ),
  });
