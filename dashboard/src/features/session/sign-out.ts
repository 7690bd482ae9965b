/** DELETE /session; what was on the screens of that person goes with it. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { client } from "@/api/client";
import { sessionKey } from "@/api/session";

export function useSignOut() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => client.DELETE("/api/v1/session"),
    onSuccess: () => {
      queries.clear();
      queries.setQueryData(sessionKey, null);
    },
  });
}
