/** GET /promotions/{id}: one promotion with its ledger. */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";

export const promotionQuery = (promotionId: string) =>
  queryOptions({
    queryKey: ["promotion", promotionId],
    queryFn: ({ signal }) =>
      body(
        client.GET("/api/v1/promotions/{promotion_id}", {
          params: { path: { promotion_id: promotionId } },
          signal,
        }),
      ),
  });
