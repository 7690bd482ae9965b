/** GET /audit/{seq}: one record, what it changed, and its proof. */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";

export const recordQuery = (seq: number) =>
  queryOptions({
    queryKey: ["audit-record", seq],
    queryFn: ({ signal }) =>
      body(client.GET("/api/v1/audit/{seq}", { params: { path: { seq } }, signal })),
  });
