/** GET /sites/{id}/incidents */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import { PAGE_ROWS } from "@/api/rows";
import type { IncidentFilter } from "@/features/incidents/filter";

export const siteIncidentsQuery = (siteId: string, filter: IncidentFilter) =>
  queryOptions({
    queryKey: ["site-incidents", siteId, filter],
    queryFn: ({ signal }) =>
      body(
        client.GET("/api/v1/sites/{site_id}/incidents", {
          params: { path: { site_id: siteId }, query: { ...filter, limit: PAGE_ROWS } },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
  });
