/** GET /freezes: what is frozen now, of the whole partner or what stops one site. */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import { PAGE_ROWS } from "@/api/rows";

export const freezesQuery = (siteId?: string) =>
  queryOptions({
    queryKey: ["freezes", siteId ?? null],
    queryFn: ({ signal }) =>
      body(
        client.GET("/api/v1/freezes", {
          params: { query: { site: siteId, limit: PAGE_ROWS } },
          signal,
        }),
      ),
  });
