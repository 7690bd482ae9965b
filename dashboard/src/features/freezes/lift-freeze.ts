/** POST /freezes/{id}/lift: repairs may go on. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import type { Freeze } from "@/api/types";

export function useLift({ id }: Freeze) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (reason: string): Promise<Freeze> =>
      body(
        client.POST("/api/v1/freezes/{freeze_id}/lift", {
          params: { path: { freeze_id: id } },
          body: { reason },
        }),
      ),
    onSettled: () => queries.invalidateQueries({ queryKey: ["freezes"] }),
  });
}
