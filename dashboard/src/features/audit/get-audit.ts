/** GET /audit: records that a search finds, newest first. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import { PAGE_ROWS } from "@/api/rows";
import { asked, type AuditFilter } from "@/features/audit/filter";

export const auditQuery = (filter: AuditFilter, cursor?: string) =>
  queryOptions({
    queryKey: ["audit", filter, cursor ?? null],
    queryFn: ({ signal }) =>
      body(
        client.GET("/api/v1/audit", {
          params: { query: { ...asked(filter), limit: PAGE_ROWS, cursor } },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
  });
