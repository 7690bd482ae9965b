/** GET /fleet */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import { PAGE_ROWS } from "@/api/rows";

export const fleetQuery = (cursor?: string) =>
  queryOptions({
    queryKey: ["fleet", cursor ?? null],
    queryFn: ({ signal }) =>
      body(client.GET("/api/v1/fleet", { params: { query: { limit: PAGE_ROWS, cursor } }, signal })),
  });
