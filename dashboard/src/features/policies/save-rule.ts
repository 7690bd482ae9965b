/** POST /create or /update: a new rule under a free id, or the next revision of one that was seen. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import type { Findings } from "@/features/policies/get-findings";
import { type Rule, withoutStamp } from "@/features/policies/rule";

export interface Save {
  rule: Rule;
  /** The revision that the author saw; null for a new rule. */
  seen: number | null;
  reason: string;
}

export function useSaveRule() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async ({ rule, seen, reason }: Save): Promise<Partial<Findings>> => {
      const sent = withoutStamp(rule) as never;
      const params = { query: { reason } };
      const answer =
        seen === null
          ? client.POST("/api/mcp/policy/create", {
              params,
              body: sent,
              headers: { "If-None-Match": "*" },
            })
          : client.POST("/api/mcp/policy/update", {
              params,
              body: sent,
              headers: { "If-Match": `"${seen}"` },
            });
      return (await body(answer)) as unknown as Partial<Findings>;
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["policy-rules"] }),
  });
}
