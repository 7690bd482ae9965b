/** POST /delete: takes a rule out of force, in the revision that was seen. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import type { Rule } from "@/features/policies/rule";

export function useDeleteRule({ id, revision }: Rule) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (reason: string) =>
      body(
        client.POST("/api/mcp/policy/delete", {
          params: { query: { reason } },
          body: { id } as never,
          headers: { "If-Match": `"${revision}"` },
        }),
      ),
    onSettled: () => queries.invalidateQueries({ queryKey: ["policy-rules"] }),
  });
}
