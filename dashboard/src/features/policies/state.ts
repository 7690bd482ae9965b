/** How a rule stands: what its author says, what is frozen, and what Central says of its openings. */
import type { Rule } from "@/features/policies/rule";
import type { Word } from "@/ui/words";

export const RULE_STATES = ["in_force", "log_only", "disabled", "expired"] as const;

export type RuleState = (typeof RULE_STATES)[number];

export const RULE_STATE: Record<RuleState, Word> = {
  in_force: { label: "In force", tone: "pass", icon: "pass" },
  log_only: { label: "Only logged", tone: "info", icon: "eye" },
  disabled: { label: "Switched off", tone: "na", icon: "pause" },
  expired: { label: "Expired", tone: "na", icon: "clock" },
};

const FROZEN: Word = { label: "Frozen", tone: "fail", icon: "pause" };
const CLOSED: Word = { label: "Closed now", tone: "unknown", icon: "clock" };

/** What is stopped: everything, or some sites. */
export interface Frozen {
  everything: boolean;
  sites: ReadonlySet<string>;
}

export const NOTHING_FROZEN: Frozen = { everything: false, sites: new Set() };

/** As Central tells it: `open` null where it is another at each site. */
export interface Standing {
  id: string;
  open: boolean | null;
  turnsAt: string | null;
  zone: string | null;
}

/** What stands in the rule itself; `now` in ms. */
export function stateOf(rule: Rule, now: number): RuleState {
  if (rule.enabled === false) return "disabled";
  if (rule.expiresAt && Date.parse(rule.expiresAt) <= now) return "expired";
  return rule.mode === "log_only" ? "log_only" : "in_force";
}

export interface Shown {
  word: Word;
  /** "opens" or "closes" with the instant; null where that is not told. */
  turn: { verb: "opens" | "closes"; at: string } | null;
  note: string | null;
}

/** A deny is never frozen: what forbids goes on to forbid. */
export function shownState(
  rule: Rule,
  now: number,
  standing: Standing | undefined,
  frozen: Frozen,
): Shown {
  const state = stateOf(rule, now);
  const plain = { word: RULE_STATE[state], turn: null, note: null };
  if (state === "disabled" || state === "expired") return plain;
  const site = rule.scope?.site;
  const isFrozen = frozen.everything || (site ? frozen.sites.has(site) : false);
  if (isFrozen && rule.effect !== "deny") return { ...plain, word: FROZEN };
  if (!standing) return plain;
  if (standing.open === null) return { ...plain, note: "by each site's clock" };
  const { turnsAt } = standing;
  if (standing.open) {
    return { ...plain, turn: turnsAt === null ? null : { verb: "closes", at: turnsAt } };
  }
  return {
    word: CLOSED,
    turn: turnsAt === null ? null : { verb: "opens", at: turnsAt },
    note: turnsAt === null ? "not within two weeks" : null,
  };
}
