/** GET /sites/{id}/enrolment-tokens: which were used, by whom; no secrets. */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";

export const tokensQuery = (siteId: string) =>
  queryOptions({
    queryKey: ["enrolment-tokens", siteId],
    queryFn: ({ signal }) =>
      body(
        client.GET("/api/v1/sites/{site_id}/enrolment-tokens", {
          params: { path: { site_id: siteId } },
          signal,
        }),
      ),
  });
