/** What every part of the rule's form is given, and what a rule needs before it can be checked. */
import type { Problems } from "@/features/policies/edit";
import type { SiteName } from "@/features/policies/get-sites";
import type { Rule } from "@/features/policies/rule";

export interface Vocabulary {
  checks: { id: string; title: string; severity: string; evidence: string }[];
  runbooks: {
    id: string;
    title: string;
    description: string;
    risk: string;
    check: string;
    platforms: string[];
    inputs: Record<string, string>;
  }[];
  roles: string[];
  partner: string | null;
}

export interface Form {
  draft: Rule;
  problems: Problems;
  vocabulary: Vocabulary;
  sites: SiteName[];
  /** Writes a field by its path; undefined takes it away. */
  set: (path: string, value: unknown) => void;
  change: (next: (rule: Rule) => Rule) => void;
}

/** The order and the words of what a rule cannot do without. */
const NEEDED: [path: string, words: string, has: (rule: Rule) => boolean][] = [
  ["id", "Give the rule an id", ({ id }) => id !== ""],
  ["when.kpiId", "Say which check", ({ when }) => when.kpiId !== ""],
  ["when.severity", "Choose at least one severity", ({ when }) => when.severity.length > 0],
  ["action", "Say which runbook", ({ action }) => action !== ""],
];

export function missing(rule: Rule): { path: string; reason: string }[] {
  return NEEDED.filter(([, , has]) => !has(rule)).map(([path, reason]) => ({ path, reason }));
}

/** Every field of the form by its path: what the server says of any other is shown on its own. */
export const FORM_PATHS = [
  "id",
  "name",
  "description",
  "when",
  "scope",
  "action",
  "params",
  "effect",
  "window",
  "openingHours",
  "approval",
  "limits",
  "cooldownMinutes",
  "maxStaleMinutes",
  "priority",
  "expiresAt",
] as const;
