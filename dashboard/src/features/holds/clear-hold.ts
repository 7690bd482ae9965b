/** POST /sites/{id}/holds/{hold_id}/clear: sends the order; the appliance ends the hold. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import type { Hold } from "@/api/types";

export function useClearHold({ site_id, id }: Hold) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (reason: string): Promise<Hold> =>
      body(
        client.POST("/api/v1/sites/{site_id}/holds/{hold_id}/clear", {
          params: { path: { site_id, hold_id: id } },
          body: { reason },
        }),
      ),
    onSettled: () => queries.invalidateQueries({ queryKey: ["holds"] }),
  });
}
