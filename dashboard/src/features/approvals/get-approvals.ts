/** GET /approvals: newest first, of every site the caller may see. */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import { PAGE_ROWS } from "@/api/rows";
import type { ApprovalState } from "@/api/types";

export const approvalsQuery = (state?: ApprovalState) =>
  queryOptions({
    queryKey: ["approvals", state ?? null],
    queryFn: ({ signal }) =>
      body(
        client.GET("/api/v1/approvals", { params: { query: { state, limit: PAGE_ROWS } }, signal }),
      ),
  });
