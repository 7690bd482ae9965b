/** GET /incidents: of every site the caller may see. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import { PAGE_ROWS } from "@/api/rows";
import type { IncidentFilter } from "@/features/incidents/filter";

export const incidentsQuery = (filter: IncidentFilter) =>
  queryOptions({
    queryKey: ["incidents", filter],
    queryFn: ({ signal }) =>
      body(
        client.GET("/api/v1/incidents", {
          params: { query: { ...filter, limit: PAGE_ROWS } },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
  });
