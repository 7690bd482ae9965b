/** GET /fleet */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import { LIVE_INTERVAL_MS, PAGE_ROWS } from "@/api/live";

export const fleetQuery = (cursor?: string) =>
  queryOptions({
    queryKey: ["fleet", cursor ?? null],
    queryFn: ({ signal }) =>
      body(client.GET("/api/v1/fleet", { params: { query: { limit: PAGE_ROWS, cursor } }, signal })),
    refetchInterval: LIVE_INTERVAL_MS,
  });
