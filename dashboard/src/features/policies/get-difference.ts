/** GET /policies/diff: what differs between the rules of two revisions, rule by rule. */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import { PAGE_ROWS } from "@/api/rows";
import type { FieldChange } from "@/features/policies/differ";
import type { Counts } from "@/features/policies/get-revisions";
import type { Rule } from "@/features/policies/rule";

/** A changed rule by its fields, whose paths begin with `$.`; an added or removed one whole. */
export interface RuleChange {
  id: string;
  change: "added" | "changed" | "removed";
  before?: Rule;
  after?: Rule;
  fields?: FieldChange[];
}

export interface Difference {
  counts: Counts;
  changes: RuleChange[];
  next: string | null;
}

export const differenceQuery = (from: number, to: number) =>
  queryOptions({
    queryKey: ["policy-difference", from, to],
    queryFn: async ({ signal }): Promise<Difference> => {
      const query = { from, to, limit: PAGE_ROWS };
      const answer = client.GET("/api/v1/policies/diff", { params: { query }, signal });
      return (await body(answer)) as unknown as Difference;
    },
    // Revisions never change.
    staleTime: Infinity,
  });
