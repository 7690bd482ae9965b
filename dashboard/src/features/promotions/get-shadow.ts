/** GET /promotions/{id}/shadow: the last days as if it had been in force. */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";

export const shadowQuery = (promotionId: string) =>
  queryOptions({
    queryKey: ["promotion-shadow", promotionId],
    queryFn: ({ signal }) =>
      body(
        client.GET("/api/v1/promotions/{promotion_id}/shadow", {
          params: { path: { promotion_id: promotionId } },
          signal,
        }),
      ),
  });
