/** GET /sites/{id} */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import { LIVE_INTERVAL_MS } from "@/api/live";

export const siteQuery = (siteId: string) =>
  queryOptions({
    queryKey: ["site", siteId],
    queryFn: ({ signal }) =>
      body(
        client.GET("/api/v1/sites/{site_id}", { params: { path: { site_id: siteId } }, signal }),
      ),
    refetchInterval: LIVE_INTERVAL_MS,
  });
