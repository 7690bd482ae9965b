/** POST /freeze and /sites/{id}/freeze: stops everything of the partner, or of one site. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import type { Freeze } from "@/api/types";

export function useFreeze(siteId?: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (reason: string): Promise<Freeze> =>
      body(
        siteId === undefined
          ? client.POST("/api/v1/freeze", { body: { reason } })
          : client.POST("/api/v1/sites/{site_id}/freeze", {
              params: { path: { site_id: siteId } },
              body: { reason },
            }),
      ),
    onSettled: () => queries.invalidateQueries({ queryKey: ["freezes"] }),
  });
}
