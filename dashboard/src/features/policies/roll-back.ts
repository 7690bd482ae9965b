/** POST /policies/rollback: the rules of an older revision, in force as a new one. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, client } from "@/api/client";

export interface RollBack {
  revision: number;
  /** The revision in force that the person saw. */
  seen: number;
  reason: string;
}

export function useRollBack() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async ({ revision, seen, reason }: RollBack): Promise<{ revision: number }> =>
      (await body(
        client.POST("/api/v1/policies/rollback", {
          body: { revision, reason } as never,
          headers: { "If-Match": `"${seen}"` },
        }),
      )) as unknown as { revision: number },
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: ["policy-revisions"] }),
        queries.invalidateQueries({ queryKey: ["policy-rules"] }),
      ]),
  });
}
