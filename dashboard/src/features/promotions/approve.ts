/** POST /promotions/{id}/approve: evaluated once more, and its canary begins. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import type { PromotionStory } from "@/api/types";

export interface Approval {
  siteId: string;
  reason: string;
}

export function useApprove(promotionId: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ siteId, reason }: Approval): Promise<PromotionStory> =>
      body(
        client.POST("/api/v1/promotions/{promotion_id}/approve", {
          params: { path: { promotion_id: promotionId } },
          body: { site_id: siteId, reason },
        }),
      ),
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: ["promotions"] }),
        queries.invalidateQueries({ queryKey: ["promotion", promotionId] }),
        queries.invalidateQueries({ queryKey: ["promotion-shadow", promotionId] }),
      ]),
  });
}
