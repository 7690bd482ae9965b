/** POST /deviations/{id}/revoke: accepted no more. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import type { Deviation, DeviationStory } from "@/api/types";
import { refresh } from "@/features/deviations/refresh";

export function useRevoke({ id, site_id: siteId }: Deviation) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (reason: string): Promise<DeviationStory> =>
      body(
        client.POST("/api/v1/deviations/{deviation_id}/revoke", {
          params: { path: { deviation_id: id } },
          body: { reason },
        }),
      ),
    onSettled: () => refresh(queries, siteId),
  });
}
