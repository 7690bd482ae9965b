/** GET /sites/{id}/incidents/{incident_id} */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";

export const incidentQuery = (siteId: string, incidentId: string) =>
  queryOptions({
    queryKey: ["incident", siteId, incidentId],
    queryFn: ({ signal }) =>
      body(
        client.GET("/api/v1/sites/{site_id}/incidents/{incident_id}", {
          params: { path: { site_id: siteId, incident_id: incidentId } },
          signal,
        }),
      ),
  });
