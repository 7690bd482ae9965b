/** GET /promotions/waiting: how many candidates nobody has decided about, for the menu. */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";

export const promotionsWaitingQuery = queryOptions({
  queryKey: ["promotions", "waiting"],
  queryFn: ({ signal }) => body(client.GET("/api/v1/promotions/waiting", { signal })),
});
