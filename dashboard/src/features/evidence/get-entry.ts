/** GET /sites/{id}/evidence/{log_index} */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import { LIVE_INTERVAL_MS } from "@/api/live";

export const entryQuery = (siteId: string, logIndex: number) =>
  queryOptions({
    queryKey: ["evidence-entry", siteId, logIndex],
    queryFn: ({ signal }) =>
      body(
        client.GET("/api/v1/sites/{site_id}/evidence/{log_index}", {
          params: { path: { site_id: siteId, log_index: logIndex } },
          signal,
        }),
      ),
    // An entry never changes; only its checkpoint may still be on its way.
    refetchInterval: ({ state }) => (state.data?.checkpoint ? false : LIVE_INTERVAL_MS),
  });
