/** POST /sites/{id}/incidents/{incident_id}/hold: keeps a repair off until somebody clears that. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import type { Incident, Ordered } from "@/api/types";

export function useSetHold({ site_id, id }: Pick<Incident, "site_id" | "id">) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (said: { runbookId: string; reason: string }): Promise<Ordered> =>
      body(
        client.POST("/api/v1/sites/{site_id}/incidents/{incident_id}/hold", {
          params: { path: { site_id, incident_id: id } },
          body: { reason: said.reason, runbook_id: said.runbookId },
        }),
      ),
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: ["incident", site_id, id] }),
        queries.invalidateQueries({ queryKey: ["orders", site_id] }),
      ]),
  });
}
