/** GET /sites/{id} */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";

export const siteQuery = (siteId: string) =>
  queryOptions({
    queryKey: ["site", siteId],
    queryFn: ({ signal }) =>
      body(
        client.GET("/api/v1/sites/{site_id}", { params: { path: { site_id: siteId } }, signal }),
      ),
  });
