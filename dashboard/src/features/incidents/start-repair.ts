/** POST /sites/{id}/incidents/{incident_id}/start: runs what is offered or chosen, or asks first. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import type { Incident, Started } from "@/api/types";

export function useStartRepair({ site_id, id }: Pick<Incident, "site_id" | "id">) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (started: { reason: string; choice?: string }): Promise<Started> =>
      body(
        client.POST("/api/v1/sites/{site_id}/incidents/{incident_id}/start", {
          params: { path: { site_id, incident_id: id } },
          body: started,
        }),
      ),
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: ["incident", site_id, id] }),
        queries.invalidateQueries({ queryKey: ["orders", site_id] }),
        queries.invalidateQueries({ queryKey: ["approvals"] }),
      ]),
  });
}
