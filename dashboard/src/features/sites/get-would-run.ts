/** GET /sites/{id}/would-run: what would have run there, had the site been healing. */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";

export const wouldRunQuery = (siteId: string) =>
  queryOptions({
    queryKey: ["would-run", siteId],
    queryFn: ({ signal }) =>
      body(
        client.GET("/api/v1/sites/{site_id}/would-run", {
          params: { path: { site_id: siteId } },
          signal,
        }),
      ),
  });
