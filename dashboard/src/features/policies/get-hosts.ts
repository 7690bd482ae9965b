/** GET /sites/{id}: the hosts of a site that a rule names. */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";

export const hostsQuery = (siteId: string | null | undefined) =>
  queryOptions({
    queryKey: ["site", siteId, "hosts"],
    queryFn: async ({ signal }) => {
      const path = { site_id: siteId ?? "" };
      const site = await body(client.GET("/api/v1/sites/{site_id}", { params: { path }, signal }));
      return site.host_list;
    },
    enabled: Boolean(siteId),
  });
