/** GET /session: who is signed in, or null. */
import { queryOptions, useQuery } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import { Problem } from "@/api/problem";
import type { Me, Permission } from "@/api/types";

const SESSION_INTERVAL_MS = 60_000;

export const sessionKey = ["session"] as const;

export const sessionQuery = queryOptions({
  queryKey: sessionKey,
  queryFn: async ({ signal }): Promise<Me | null> => {
    try {
      return await body(client.GET("/api/v1/session", { signal }));
    } catch (error) {
      if (error instanceof Problem && error.status === 401) return null;
      throw error;
    }
  },
  refetchInterval: SESSION_INTERVAL_MS,
});

export function useMe(): Me | null {
  return useQuery(sessionQuery).data ?? null;
}

/** Whether to show an action; Central decides whether it may happen. */
export function usePermission(permission: Permission): boolean {
  return useMe()?.permissions.includes(permission) ?? false;
}
