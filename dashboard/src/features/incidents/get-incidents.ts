/** GET /incidents: of every site the caller may see. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import { LIVE_INTERVAL_MS, PAGE_ROWS } from "@/api/live";
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
    refetchInterval: LIVE_INTERVAL_MS,
  });
