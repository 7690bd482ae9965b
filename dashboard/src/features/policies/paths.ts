/** The fields of a rule as people call them, and their values as people read them. */
import type { Window } from "@/features/policies/rule";
import { daysWords, LIMITS } from "@/features/policies/words";

const PATHS: Record<string, string> = {
  id: "Id",
  name: "Name",
  description: "Why it is there",
  enabled: "Switched on",
  mode: "What its verdict does",
  expiresAt: "Ends at",
  "when.kpiId": "Check",
  "when.severity": "Severity",
  "when.condition": "Condition",
  action: "Runbook",
  params: "Parameters",
  effect: "Let it run or forbid it",
  autoExecute: "Starts by itself",
  autoSuggest: "Suggested to a person",
  window: "Days and times",
  openingHours: "Opening hours of the site",
  "approval.required": "Approval needed",
  "approval.roles": "Approved by",
  "approval.quorum": "How many have to approve",
  "approval.selfApprove": "May approve what one starts",
  "approval.bypassIfSeverity": "Without approval from",
  "approval.expiresMinutes": "An approval is good for (minutes)",
  "scope.partner": "Partner",
  "scope.site": "Site",
  "scope.host": "Host",
  "scope.platform": "Platform",
  "scope.tags": "Tags",
  priority: "Priority",
  floor: "Floor",
  cooldownMinutes: "Pause between two runs (minutes)",
  maxStaleMinutes: "Asks once the rules are older than (minutes)",
};

/** "Runs per host in 24 h" for `limits.maxRunsPerHostPerDay`; "Parameter deltaPct". */
export function pathWords(path: string): string {
  const known = PATHS[path];
  if (known) return known;
  const [head, ...rest] = path.split(".");
  const name = rest.join(".");
  if (head === "limits") return LIMITS[name]?.label ?? path;
  if (head === "params") return `Parameter ${name}`;
  return path;
}

export function valueWords(value: unknown): string {
  if (value === undefined) return "—";
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value.join(", ");
  if (isWindow(value)) {
    const zone = value.timezone ? ` (${value.timezone})` : "";
    return `${daysWords(value.days)} ${value.start}–${value.end}${zone}`;
  }
  return JSON.stringify(value);
}

function isWindow(value: unknown): value is Window {
  return typeof value === "object" && value !== null && "days" in value && "start" in value;
}
