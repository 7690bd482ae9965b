/** POST /deviations/{id}/renew: the same state, until a later date. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import type { Deviation, DeviationStory } from "@/api/types";
import { refresh } from "@/features/deviations/refresh";

export function useRenew({ id, site_id: siteId }: Deviation) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (said: { until: string; reason: string }): Promise<DeviationStory> =>
      body(
        client.POST("/api/v1/deviations/{deviation_id}/renew", {
          params: { path: { deviation_id: id } },
          body: said,
        }),
      ),
    onSettled: () => refresh(queries, siteId),
  });
}
