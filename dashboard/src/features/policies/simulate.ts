/** POST /test: what would be decided about an alert; nothing is counted, reserved or run. */
import { useMutation } from "@tanstack/react-query";
import { body, client } from "@/api/client";
import type { Rule } from "@/features/policies/rule";

export interface Alert {
  id: string;
  kpiId: string;
  title: string;
  message: string;
  severity: string;
  platform?: string;
  delta?: number;
  facts?: Record<string, unknown>;
}

export interface Simulation {
  alert: Alert;
  roles: string[];
  at?: string;
  site?: string;
  host?: string;
  rules?: Rule[];
}

export interface Decision {
  verdict: string;
  code: string;
  reason?: string;
  action: string | null;
  ruleId: string | null;
  approverRoles?: string[] | null;
  resolvedParams?: Record<string, unknown>;
  trace: { check: string; outcome: string; detail: string }[];
  policyRevision: number;
}

export interface Unlock {
  action: string | null;
  verdict: string;
  steps: { kind: string; message: string; at: string | null }[];
}

export interface Simulated {
  decision: Decision;
  unlock?: Unlock[];
}

export function useSimulate() {
  return useMutation({
    mutationFn: async (asked: Simulation): Promise<Simulated> =>
      (await body(
        client.POST("/api/mcp/policy/test", { body: asked as never }),
      )) as unknown as Simulated,
  });
}
