/** POST /promotions/{id}/reject and /demote: it is not to be, or no more. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import type { PromotionStory } from "@/api/types";

export type Ending = "reject" | "demote";

export function useEnd(promotionId: string, how: Ending) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (reason: string): Promise<PromotionStory> => {
      const sent = { params: { path: { promotion_id: promotionId } }, body: { reason } };
      return how === "reject"
        ? body(client.POST("/api/v1/promotions/{promotion_id}/reject", sent))
        : body(client.POST("/api/v1/promotions/{promotion_id}/demote", sent));
    },
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: ["promotions"] }),
        queries.invalidateQueries({ queryKey: ["promotion", promotionId] }),
      ]),
  });
}
