/** GET /sites/{id}/observed/{check}: what fails on which hosts, as it would be accepted. */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import { PAGE_ROWS } from "@/api/rows";

export const observedQuery = (siteId: string, check: string) =>
  queryOptions({
    queryKey: ["observed", siteId, check],
    queryFn: ({ signal }) =>
      body(
        client.GET("/api/v1/sites/{site_id}/observed/{check}", {
          params: { path: { site_id: siteId, check }, query: { limit: PAGE_ROWS } },
          signal,
        }),
      ),
  });
