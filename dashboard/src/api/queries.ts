/** The query client: who retries, and what happens when the session has ended. */
import { QueryCache, QueryClient, MutationCache } from "@tanstack/react-query";
import { asProblem } from "@/api/problem";
import { sessionKey } from "@/api/session";

const RETRIES_MAX = 2;
const STALE_MS = 1_000;
/** What Central says, also with 429, where it has no turn for a question just now. */
export const BUSY = "busy";

export function makeQueryClient(): QueryClient {
  const onError = (error: Error) => {
    const { status, code } = asProblem(error);
    const ended = status === 401 || code === "password_change_required";
    if (ended) void client.invalidateQueries({ queryKey: sessionKey });
  };
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (error, query) => {
        if (query.queryKey[0] !== sessionKey[0]) onError(error);
      },
    }),
    mutationCache: new MutationCache({
      onError: (error, _sent, _result, mutation) => {
        if (mutation.meta?.isSignIn !== true) onError(error);
      },
    }),
    defaultOptions: {
      queries: { retry: isWorthRetrying, staleTime: STALE_MS, networkMode: "always" },
      mutations: { networkMode: "always" },
    },
  });
  return client;
}

export function isWorthRetrying(failures: number, error: Error): boolean {
  const { status, code } = asProblem(error);
  return (status === 0 || status >= 500 || code === BUSY) && failures < RETRIES_MAX;
}
