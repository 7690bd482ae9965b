/** Which rules the list shows; it lives in the URL. */
import type { Rule } from "@/features/policies/rule";
import { RULE_STATES, type RuleState, stateOf } from "@/features/policies/state";
import { actionWords, checkWords, effectWords, type Names, scopeWords } from "@/features/policies/words";

export interface RuleFilter {
  q?: string;
  state?: RuleState;
  page?: number;
}

export const RULES_PER_PAGE = 50;

/** The filter in a URL's search part; what it does not know it leaves out. */
export function readRuleFilter(search: Record<string, unknown>): RuleFilter {
  const q = typeof search.q === "string" || typeof search.q === "number" ? String(search.q) : "";
  const state = RULE_STATES.find((known) => known === search.state);
  const page = Number(search.page);
  return {
    ...(q ? { q } : {}),
    ...(state ? { state } : {}),
    ...(Number.isInteger(page) && page > 1 ? { page } : {}),
  };
}

/** The rules that have every word of `q` somewhere in what is shown of them. */
export function matching(rules: Rule[], filter: RuleFilter, names: Names, now: number): Rule[] {
  const words = (filter.q ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0 && !filter.state) return rules;
  return rules.filter((rule) => {
    if (filter.state && stateOf(rule, now) !== filter.state) return false;
    if (words.length === 0) return true;
    const text = searchText(rule, names);
    return words.every((word) => text.includes(word));
  });
}

function searchText(rule: Rule, names: Names): string {
  return [
    rule.id,
    rule.name,
    rule.description,
    rule.when.kpiId,
    rule.when.severity.join(" "),
    rule.action,
    checkWords(rule, names),
    actionWords(rule, names),
    scopeWords(rule.scope, names),
    effectWords(rule),
  ]
    .filter(Boolean)
    .join(" ")
    .toLowerCase();
}

/** The page that there is: the last one where a wish goes beyond. */
export function pageOf<T>(rows: T[], wanted = 1): { rows: T[]; page: number; pages: number } {
  const pages = Math.max(1, Math.ceil(rows.length / RULES_PER_PAGE));
  const page = Math.min(Math.max(1, wanted), pages);
  return { rows: rows.slice((page - 1) * RULES_PER_PAGE, page * RULES_PER_PAGE), page, pages };
}
