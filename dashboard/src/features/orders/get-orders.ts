/** GET /orders: of one site, newest first. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import { PAGE_ROWS } from "@/api/rows";

export const ordersQuery = (site: string, cursor?: string) =>
  queryOptions({
    queryKey: ["orders", site, cursor ?? null],
    queryFn: ({ signal }) =>
      body(
        client.GET("/api/v1/orders", {
          params: { query: { site, limit: PAGE_ROWS, cursor } },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
  });
