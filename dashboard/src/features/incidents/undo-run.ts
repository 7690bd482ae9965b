/** POST /sites/{id}/incidents/{incident_id}/undo: the appliance puts back what the last run changed. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import type { Incident, Undone } from "@/api/types";

export function useUndoRun({ site_id, id }: Incident) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (reason: string): Promise<Undone> =>
      body(
        client.POST("/api/v1/sites/{site_id}/incidents/{incident_id}/undo", {
          params: { path: { site_id, incident_id: id } },
          body: { reason },
        }),
      ),
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: ["incident", site_id, id] }),
        queries.invalidateQueries({ queryKey: ["orders", site_id] }),
        queries.invalidateQueries({ queryKey: ["holds"] }),
      ]),
  });
}
