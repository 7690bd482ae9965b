/** POST /sites/{id}/orders/{order_id}/cancel: takes back what its appliance has not fetched. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import type { Order } from "@/api/types";

export function useCancelOrder({ site_id, id }: Order) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (reason: string): Promise<Order> =>
      body(
        client.POST("/api/v1/sites/{site_id}/orders/{order_id}/cancel", {
          params: { path: { site_id, order_id: id } },
          body: { reason },
        }),
      ),
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: ["orders", site_id] }),
        queries.invalidateQueries({ queryKey: ["order", site_id, id] }),
      ]),
  });
}
