/** A rule in plain words. Names of sites, checks and runbooks are looked up where they are known. */
import type { Rule, Scope } from "@/features/policies/rule";
import { ANY_ACTION } from "@/features/policies/rule";

export interface Names {
  checks: ReadonlyMap<string, string>;
  runbooks: ReadonlyMap<string, string>;
  sites: ReadonlyMap<string, string>;
  hosts: ReadonlyMap<string, string>;
}

export const NO_NAMES: Names = {
  checks: new Map(),
  runbooks: new Map(),
  sites: new Map(),
  hosts: new Map(),
};

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const WEEK_DAYS = 7;
const SEVERITY_WORDS: Record<string, string> = { warn: "warning", crit: "critical" };
const HOUR_MINUTES = 60;
const DAY_MINUTES = 24 * HOUR_MINUTES;

/** Known limits: what each counts, in words; the order in which they are shown. */
export const LIMITS: Record<string, { label: string; unit: string }> = {
  maxRunsPerHostPerDay: { label: "Runs per host in 24 h", unit: "runs" },
  maxRunsPerSitePerHour: { label: "Runs per site in an hour", unit: "runs" },
  maxConcurrentPerSite: { label: "At the same time per site", unit: "runs" },
  maxDailyPct: { label: "Sum of deltaPct in 24 h", unit: "%" },
  maxWeeklyPct: { label: "Sum of deltaPct in 7 days", unit: "%" },
  maxDailyQty: { label: "Sum of qty in 24 h", unit: "pieces" },
};

/** "Mon–Fri", "every day", "Mon, Wed"; days 0 = Sunday. */
export function daysWords(days: number[]): string {
  const kept = [...new Set(days)];
  if (kept.length >= WEEK_DAYS) return "every day";
  const week = kept.map((day) => (day + 6) % WEEK_DAYS).sort((one, other) => one - other);
  const name = (place: number) => DAYS[(place + 1) % WEEK_DAYS] ?? "";
  const first = week[0];
  const last = week.at(-1);
  if (first === undefined || last === undefined) return "never";
  if (week.length > 2 && last - first === week.length - 1) return `${name(first)}–${name(last)}`;
  return week.map(name).join(", ");
}

export function windowWords({ window, openingHours }: Rule): string {
  const hours =
    openingHours === "inside"
      ? "while the site is open"
      : openingHours === "outside"
        ? "while the site is closed"
        : null;
  if (!window) return hours ?? "always";
  const zone = window.timezone ? ` (${window.timezone})` : "";
  const overnight = window.start > window.end ? " next day" : "";
  const own = `${daysWords(window.days)} ${window.start}–${window.end}${overnight}${zone}`;
  return hours ? `${own}, ${hours}` : own;
}

export function approvalWords({ approval }: Rule): string {
  if (!approval?.required) return "not needed";
  const quorum = approval.quorum ?? 1;
  const roles = approval.roles?.join(" or ") || "anybody who may approve";
  const who = quorum > 1 ? `${quorum} of ${roles}` : roles;
  const own = approval.selfApprove ? ", also for oneself" : "";
  const bypass = approval.bypassIfSeverity
    ? `, not from ${severityWords([approval.bypassIfSeverity])} on`
    : "";
  return `${who}${own}${bypass}`;
}

export function severityWords(severities: string[]): string {
  return severities.map((word) => SEVERITY_WORDS[word] ?? word).join(", ");
}

/** What follows when the rule matches and nothing else stands against it. */
export function effectWords(rule: Rule): string {
  if (rule.effect === "deny") return "Forbid";
  if (rule.approval?.required) return "Ask first";
  if (rule.autoExecute) return "Run by itself";
  return rule.autoSuggest === false ? "Nothing" : "Offer to a person";
}

export function checkWords(rule: Rule, names: Names): string {
  return names.checks.get(rule.when.kpiId) ?? rule.when.kpiId;
}

export function actionWords(rule: Rule, names: Names): string {
  if (rule.action === ANY_ACTION) return "any runbook";
  return names.runbooks.get(rule.action) ?? rule.action;
}

/** "everywhere", "Harbour Clinic", "front-desk at Harbour Clinic, only linux/debian". */
export function scopeWords(scope: Scope | null | undefined, names: Names): string {
  if (!scope) return "everywhere";
  const site = scope.site ? (names.sites.get(scope.site) ?? scope.site) : null;
  const host = scope.host ? (names.hosts.get(scope.host) ?? scope.host) : null;
  const where = host && site ? `${host} at ${site}` : (host ?? site ?? allSites(scope));
  const narrowed = [
    ...(scope.platform ? [`only ${scope.platform}`] : []),
    ...(scope.tags?.length ? [`tagged ${scope.tags.join(", ")}`] : []),
  ];
  return [where, ...narrowed].join(", ");
}

function allSites({ partner }: Scope): string {
  return partner ? "all your sites" : "everywhere";
}

export function limitWords(rule: Rule): string[] {
  const limits = Object.entries(rule.limits ?? {})
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${LIMITS[key]?.label ?? key}: ${value}`);
  const pause = rule.cooldownMinutes ? [`${minutesWords(rule.cooldownMinutes)} apart`] : [];
  return [...limits, ...pause];
}

export function minutesWords(minutes: number): string {
  if (minutes % DAY_MINUTES === 0) return counted(minutes / DAY_MINUTES, "day");
  if (minutes % HOUR_MINUTES === 0) return counted(minutes / HOUR_MINUTES, "hour");
  return counted(minutes, "minute");
}

function counted(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
