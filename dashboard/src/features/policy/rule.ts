/** A policy rule as its contract puts it on the wire (camelCase), and its words. */

export interface Rule {
  id: string;
  name?: string | null;
  description?: string | null;
  when: { kpiId: string; severity: string[]; condition?: string | null };
  action: string;
  window?: { days: number[]; start: string; end: string; timezone?: string | null } | null;
  approval?: {
    required: boolean;
    roles?: string[] | null;
    bypassIfSeverity?: string | null;
  } | null;
  autoExecute?: boolean;
  autoSuggest?: boolean;
  effect?: "allow" | "deny";
  enabled?: boolean;
  revision?: number | null;
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const WEEK_DAYS = 7;

export function readRules(answer: unknown): Rule[] {
  return (answer as { data: Rule[] }).data;
}

export function windowWords({ window }: Rule): string {
  if (!window) return "always";
  const days =
    window.days.length === WEEK_DAYS ? "every day" : window.days.map((day) => DAYS[day]).join(" ");
  const zone = window.timezone ? ` ${window.timezone}` : "";
  return `${days}, ${window.start}–${window.end}${zone}`;
}

export function approvalWords({ approval }: Rule): string {
  if (!approval?.required) return "not needed";
  const roles = approval.roles?.join(" or ") || "a person";
  const bypass = approval.bypassIfSeverity ? `, not on ${approval.bypassIfSeverity}` : "";
  return `${roles}${bypass}`;
}

/** What follows when the rule matches and nothing else stands against it. */
export function effectWords(rule: Rule): string {
  if (rule.effect === "deny") return "Deny";
  if (rule.approval?.required) return "Ask";
  if (rule.autoExecute) return "Run by itself";
  return rule.autoSuggest === false ? "Nothing" : "Offer to a person";
}
