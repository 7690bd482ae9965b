/** GET /sites/{id}/posture: where the site stands now. */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";

export const postureQuery = (siteId: string) =>
  queryOptions({
    queryKey: ["posture", siteId],
    queryFn: ({ signal }) =>
      body(
        client.GET("/api/v1/sites/{site_id}/posture", {
          params: { path: { site_id: siteId } },
          signal,
        }),
      ),
  });
