/** POST /sites/{id}/deviations: accepts what fails on these hosts, exactly as it was shown. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import type { Acceptance, DeviationStory } from "@/api/types";
import { refresh } from "@/features/deviations/refresh";

export function useAccept(siteId: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (wish: Acceptance): Promise<DeviationStory> =>
      body(
        client.POST("/api/v1/sites/{site_id}/deviations", {
          params: { path: { site_id: siteId } },
          body: wish,
        }),
      ),
    onSettled: () => refresh(queries, siteId),
  });
}
