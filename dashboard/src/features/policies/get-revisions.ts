/** GET /policies/revisions: who wrote what when and why, newest first. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import { PAGE_ROWS } from "@/api/rows";

export interface Counts {
  added: number;
  changed: number;
  removed: number;
}

export interface Revision {
  revision: number;
  author: string;
  createdAt: string;
  reason: string | null;
  /** Null where nobody knows any more. */
  counts: Counts | null;
}

export interface RevisionPage {
  /** The one in force. */
  revision: number;
  items: Revision[];
  next: string | null;
}

export const revisionsQuery = (cursor?: string) =>
  queryOptions({
    queryKey: ["policy-revisions", cursor ?? null],
    queryFn: async ({ signal }): Promise<RevisionPage> => {
      const query = { limit: PAGE_ROWS, cursor };
      const answer = client.GET("/api/v1/policies/revisions", { params: { query }, signal });
      return (await body(answer)) as unknown as RevisionPage;
    },
    placeholderData: keepPreviousData,
  });
