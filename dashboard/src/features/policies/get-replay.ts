/** POST …/replay: what a change of the rules would have made of the decisions that are kept. */
import { queryOptions } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import { asProblem } from "@/api/problem";
import { BUSY, isWorthRetrying } from "@/api/queries";
import type { Rule } from "@/features/policies/rule";

/** A change that nobody has made yet; `over` is the revision that it would replace. */
export type Change =
  | { kind: "draft"; rule: Rule }
  | { kind: "delete"; id: string }
  | { kind: "revision"; revision: number; over: number }
  | { kind: "backup"; name: string };

export interface Came {
  verdict: string;
  code: string;
  ruleId: string | null;
}

export interface Example {
  alertId: string;
  kpiId: string;
  severity: string;
  action: string | null;
  site: string | null;
  host: string | null;
  at: string;
  was: Came;
  before: Came;
  after: Came;
}

export interface Turn {
  from: string;
  to: string;
  count: number;
  sites: number;
  examples: Example[];
}

export interface Replay {
  since: string;
  until: string;
  /** Whether all that is kept was looked at; if not, only what is from `since` on. */
  complete: boolean;
  judged: number;
  leftOut: number;
  deniedToRun: number;
  uncountedRuleIds: string[];
  turns: Turn[];
}

const BUSY_TRIES_MAX = 15;
const BUSY_PAUSE_MS = 2_000;

export const replayQuery = (change: Change) =>
  queryOptions({
    queryKey: ["policy-replay", change],
    queryFn: async ({ signal }): Promise<Replay> =>
      (await body(asked(change, signal) as Promise<{ data?: unknown }>)) as Replay,
    // One runs at a time; the one that a new draft has called off may still be ending.
    retry: (failures, error) =>
      asProblem(error).code === BUSY
        ? failures < BUSY_TRIES_MAX
        : isWorthRetrying(failures, error),
    retryDelay: BUSY_PAUSE_MS,
    staleTime: Infinity,
    gcTime: 0,
  });

function asked(change: Change, signal: AbortSignal) {
  switch (change.kind) {
    case "draft":
      return client.POST("/api/v1/policies/replay", { body: { put: [change.rule] } as never, signal });
    case "delete":
      return client.POST("/api/v1/policies/replay", { body: { remove: [change.id] } as never, signal });
    case "revision":
      return client.POST("/api/v1/policies/revisions/{revision}/replay", {
        params: { path: { revision: change.revision } },
        signal,
      });
    case "backup":
      return client.POST("/api/v1/policies/backups/{name}/replay", {
        params: { path: { name: change.name } },
        signal,
      });
  }
}
