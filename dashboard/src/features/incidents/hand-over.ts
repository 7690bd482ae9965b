/** POST /sites/{id}/incidents/{incident_id}/hand-over: puts it into a colleague's hands. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import type { HandedOver, HandingOver, Incident } from "@/api/types";

export function useHandOver({ site_id, id }: Pick<Incident, "site_id" | "id">) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (given: HandingOver): Promise<HandedOver> =>
      body(
        client.POST("/api/v1/sites/{site_id}/incidents/{incident_id}/hand-over", {
          params: { path: { site_id, incident_id: id } },
          body: given,
        }),
      ),
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: ["incident", site_id, id] }),
        queries.invalidateQueries({ queryKey: ["incidents"] }),
        queries.invalidateQueries({ queryKey: ["site-incidents", site_id] }),
      ]),
  });
}
