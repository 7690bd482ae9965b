/** POST /policies/analyse: what is certain of the rules, or would be with a draft laid over them. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import type { Rule } from "@/features/policies/rule";

export interface Finding {
  code: string;
  level: "warning" | "notice";
  ruleId: string;
  otherRuleIds: string[];
  path: string;
  message: string;
}

export interface Findings {
  findings: Finding[];
  moreFindings: number;
}

const ask = async (sent: object, signal: AbortSignal): Promise<Findings> => {
  const answer = client.POST("/api/v1/policies/analyse", { body: sent as never, signal });
  return (await body(answer)) as unknown as Findings;
};

export const findingsQuery = queryOptions({
  queryKey: ["policy-findings"],
  queryFn: ({ signal }) => ask({}, signal),
});

export const draftFindingsQuery = (draft: Rule) =>
  queryOptions({
    queryKey: ["policy-findings", "draft", draft],
    queryFn: ({ signal }) => ask({ rules: [draft] }, signal),
    placeholderData: keepPreviousData,
    gcTime: 0,
  });
