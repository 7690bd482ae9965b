/** A policy rule as its contract puts it on the wire (camelCase). A form keeps what it does not know. */

export interface Window {
  days: number[];
  start: string;
  end: string;
  timezone?: string | null;
}

export interface Approval {
  required: boolean;
  roles?: string[] | null;
  bypassIfSeverity?: string | null;
  selfApprove?: boolean;
  expiresMinutes?: number | null;
  quorum?: number;
}

export interface Scope {
  partner?: string | null;
  site?: string | null;
  host?: string | null;
  platform?: string | null;
  tags?: string[];
}

export interface Rule {
  id: string;
  name?: string | null;
  description?: string | null;
  when: { kpiId: string; severity: string[]; condition?: string | null };
  action: string;
  params?: Record<string, unknown> | null;
  limits?: Record<string, number | null> | null;
  window?: Window | null;
  openingHours?: "inside" | "outside" | null;
  approval?: Approval | null;
  autoExecute?: boolean;
  autoSuggest?: boolean;
  effect?: "allow" | "deny";
  enabled?: boolean;
  priority?: number;
  scope?: Scope | null;
  floor?: boolean;
  cooldownMinutes?: number | null;
  maxStaleMinutes?: number | null;
  mode?: "enforce" | "log_only";
  expiresAt?: string | null;
  revision?: number | null;
  createdBy?: string | null;
  createdAt?: string | null;
  updatedBy?: string | null;
  updatedAt?: string | null;
}

/** What only the store says of a rule: an author never sends it. */
export const STAMP = ["revision", "createdBy", "createdAt", "updatedBy", "updatedAt"] as const;

export const ANY_ACTION = "*";

export function readRules(answer: unknown): Rule[] {
  return (answer as { data: Rule[] }).data;
}

/** The rule as it is sent: without its stamp. */
export function withoutStamp(rule: Rule): Rule {
  return without(rule, STAMP);
}

/** A copy without the named fields. */
export function without<T extends object>(given: T, names: readonly string[]): T {
  return Object.fromEntries(
    Object.entries(given).filter(([name]) => !names.includes(name)),
  ) as T;
}

/** A rule to begin with: it asks, for a check of high severity, and names no runbook yet. */
export function emptyRule(): Rule {
  return {
    id: "",
    when: { kpiId: "", severity: ["high", "critical"] },
    action: "",
    approval: { required: true, roles: ["manager", "admin"] },
    autoExecute: false,
    autoSuggest: true,
  };
}
