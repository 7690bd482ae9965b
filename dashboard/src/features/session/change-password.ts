/** POST /session/password */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import { sessionKey } from "@/api/session";
import type { Me } from "@/api/types";

export function useChangePassword() {
  const queries = useQueryClient();
  return useMutation({
    meta: { isSignIn: true },
    mutationFn: (given: { current: string; new: string }): Promise<Me> =>
      body(client.POST("/api/v1/session/password", { body: given })),
    onSuccess: (me) => queries.setQueryData(sessionKey, me),
  });
}
