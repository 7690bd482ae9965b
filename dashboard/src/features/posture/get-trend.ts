/** GET /sites/{id}/trend: snapshots of the posture over the last days. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";

const DAY_MS = 86_400_000;

export const trendQuery = (siteId: string, days: number) =>
  queryOptions({
    queryKey: ["trend", siteId, days],
    queryFn: ({ signal }) =>
      body(
        client.GET("/api/v1/sites/{site_id}/trend", {
          params: {
            path: { site_id: siteId },
            query: { from: new Date(Date.now() - days * DAY_MS).toISOString() },
          },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
  });
