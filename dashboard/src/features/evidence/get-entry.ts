/** GET /sites/{id}/evidence/{log_index} */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";

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
  });
