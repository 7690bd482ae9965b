/** POST /policies/preview: when a rule or a draft of one is open in the days to come. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import type { Rule } from "@/features/policies/rule";
import type { Preview } from "@/features/policies/strip";

export const previewQuery = (rule: Rule, site: string | null) =>
  queryOptions({
    queryKey: ["policy-preview", rule, site],
    queryFn: async ({ signal }): Promise<Preview> => {
      const sent = { rule, ...(site ? { site } : {}) };
      const answer = client.POST("/api/v1/policies/preview", { body: sent as never, signal });
      return (await body(answer)) as unknown as Preview;
    },
    placeholderData: keepPreviousData,
    gcTime: 0,
  });
