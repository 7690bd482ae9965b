/** POST /brakes/{id}/release: the version may run again. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import type { Stop } from "@/api/types";

export function useRelease({ id }: Stop) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (reason: string): Promise<Stop> =>
      body(
        client.POST("/api/v1/brakes/{stop_id}/release", {
          params: { path: { stop_id: id } },
          body: { reason },
        }),
      ),
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: ["brakes"] }),
        queries.invalidateQueries({ queryKey: ["runbooks"] }),
      ]),
  });
}
