/** GET /sites/{id}/orders/{order_id} */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";

export const orderQuery = (siteId: string, orderId: string) =>
  queryOptions({
    queryKey: ["order", siteId, orderId],
    queryFn: ({ signal }) =>
      body(
        client.GET("/api/v1/sites/{site_id}/orders/{order_id}", {
          params: { path: { site_id: siteId, order_id: orderId } },
          signal,
        }),
      ),
  });
