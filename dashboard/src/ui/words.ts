/** Central's enums in plain words, with the tone they are shown in. */
import type {
  ApprovalState,
  Hold,
  Incident,
  IncidentState,
  Order,
  OrderStatus,
  Outcome,
  PromotionStage,
  Verdict,
} from "@/api/types";
import type { IconName } from "@/ui/icons";

export type Tone = "pass" | "fail" | "unknown" | "na" | "info";

export interface Word {
  label: string;
  tone: Tone;
  icon: IconName;
}

export const OUTCOMES: readonly Outcome[] = ["pass", "fail", "unknown", "not_applicable"];

export const OUTCOME: Record<Outcome, Word> = {
  pass: { label: "Pass", tone: "pass", icon: "pass" },
  fail: { label: "Fail", tone: "fail", icon: "fail" },
  unknown: { label: "Unknown", tone: "unknown", icon: "unknown" },
  not_applicable: { label: "Not applicable", tone: "na", icon: "not_applicable" },
};

/** A failure that somebody answers for; it has not passed. */
export const ACCEPTED: Word = { label: "Fails, accepted", tone: "info", icon: "person" };

export const STATES: readonly IncidentState[] = [
  "open",
  "waiting",
  "observing",
  "healed",
  "stable",
  "resolved",
  "failed",
  "escalated",
];

export const STATE: Record<IncidentState, Word> = {
  open: { label: "Open", tone: "fail", icon: "fail" },
  healed: { label: "Healed", tone: "pass", icon: "mend" },
  stable: { label: "Stable", tone: "pass", icon: "pass" },
  resolved: { label: "Passes again", tone: "na", icon: "pass" },
  failed: { label: "Repair failed", tone: "fail", icon: "fail" },
  escalated: { label: "With a person", tone: "unknown", icon: "person" },
  observing: { label: "Observing", tone: "info", icon: "eye" },
  waiting: { label: "Waiting", tone: "unknown", icon: "clock" },
};

/** What a heal went through beside the states of its incident. */
export const WATCH = {
  attempted: { label: "Attempted", tone: "info", icon: "mend" },
  watched: { label: "Watched until", tone: "info", icon: "eye" },
  reopened: { label: "Open again", tone: "fail", icon: "undo" },
  undone: { label: "Undone", tone: "info", icon: "undo" },
} satisfies Record<string, Word>;

/** What became of what a run had changed. */
export const AFTERMATH: Record<Incident["undo"], Word> = {
  nothing: { label: "Nothing to undo", tone: "na", icon: "not_applicable" },
  stands: { label: "Stands", tone: "info", icon: "mend" },
  verified: { label: "Undone, verified", tone: "pass", icon: "undo" },
  part: { label: "Left by hand", tone: "fail", icon: "fail" },
  unknown: { label: "Not known", tone: "unknown", icon: "unknown" },
};

/** What came of a person's wish to have a run undone. */
export const UNDO: Record<string, Word> = {
  undone: { label: "Undone", tone: "info", icon: "undo" },
  left: { label: "Left by hand", tone: "fail", icon: "person" },
  refused: { label: "Not undone", tone: "unknown", icon: "fail" },
  interrupted: { label: "Cut off", tone: "fail", icon: "fail" },
};

export const VERDICT: Record<Verdict, Word> = {
  run: { label: "Run", tone: "pass", icon: "pass" },
  ask: { label: "Ask", tone: "unknown", icon: "person" },
  offer: { label: "Offer", tone: "info", icon: "person" },
  block: { label: "Block", tone: "fail", icon: "fail" },
};

/** Why a decision refused, as the end of "… because". */
const CODES: Record<string, string> = {
  freeze: "a freeze is set",
  observing: "the site or the host is only observed",
  hold: "a hold is set",
  accepted: "somebody has accepted this state until a date",
  deviation_ended: "it was accepted until now, and is judged anew",
  no_match: "no rule matches",
  denied: "a rule denies it",
  unknown_action: "the runbook is not known",
  not_admissible: "the runbook is not for this platform",
  unresolved_input: "one of its inputs could not be resolved",
  precondition: "the host is not as the runbook needs it",
  outside_window: "its window is closed",
  locked: "another run is under way on this host",
  cooldown: "it ran here too recently",
  limit_exceeded: "a limit of the rule is used up",
  not_offered: "the rule offers it to nobody",
  breaker: "it was tried too often and rests for a while",
  brake: "a version of the rule or runbook is stopped after failures",
  error: "the rules could not be evaluated",
  allowed: "a rule allows it",
  approval_needed: "it needs an approval",
  start_needed: "a person has to start it",
};

/** How one check of a decision's trace came out. */
export const TRACE: Record<string, Word> = {
  pass: { label: "Passed", tone: "pass", icon: "pass" },
  fail: { label: "Refused", tone: "fail", icon: "fail" },
  ask: { label: "Asks", tone: "unknown", icon: "person" },
  skipped: { label: "Skipped", tone: "na", icon: "not_applicable" },
  note: { label: "Note", tone: "info", icon: "eye" },
  error: { label: "Error", tone: "fail", icon: "fail" },
};

export function codeWords(code: string): string {
  return CODES[code] ?? code.replaceAll("_", " ");
}

export const APPROVAL: Record<ApprovalState, Word> = {
  pending: { label: "Waits for an answer", tone: "unknown", icon: "clock" },
  approved: { label: "Approved", tone: "pass", icon: "pass" },
  rejected: { label: "Rejected", tone: "fail", icon: "fail" },
  expired: { label: "Expired", tone: "na", icon: "clock" },
  superseded: { label: "Overtaken", tone: "na", icon: "not_applicable" },
};

/** What an order asks for, as a title. */
export const ORDER_KIND: Record<Order["kind"], string> = {
  run_runbook: "The order",
  clear_hold: "Clear the hold",
  set_hold: "Hold the repair",
  check_again: "Check again",
  try_again: "Try again",
  undo_run: "Undo the repair",
};

export const ORDER: Record<OrderStatus, Word> = {
  pending: { label: "Waits for its appliance", tone: "unknown", icon: "clock" },
  leased: { label: "Fetched", tone: "info", icon: "download" },
  running: { label: "Running", tone: "info", icon: "mend" },
  succeeded: { label: "Succeeded", tone: "pass", icon: "pass" },
  failed: { label: "Failed", tone: "fail", icon: "fail" },
  expired: { label: "Expired", tone: "na", icon: "clock" },
  lost: { label: "Lost", tone: "fail", icon: "unknown" },
  cancelled: { label: "Taken back", tone: "na", icon: "undo" },
};

export const HOLD: Record<Hold["state"], Word> = {
  active: { label: "On hold", tone: "unknown", icon: "pause" },
  clearing: { label: "Clearing…", tone: "info", icon: "clock" },
  cleared: { label: "Cleared", tone: "pass", icon: "pass" },
};

export const STAGE: Record<PromotionStage, Word> = {
  candidate: { label: "Candidate", tone: "unknown", icon: "clock" },
  canary: { label: "In its canary", tone: "info", icon: "eye" },
  promoted: { label: "In force", tone: "pass", icon: "pass" },
  demoted: { label: "Demoted", tone: "fail", icon: "undo" },
  rejected: { label: "Rejected", tone: "na", icon: "not_applicable" },
  withdrawn: { label: "Lapsed", tone: "na", icon: "clock" },
};

/** "healing" as the site shows it. */
export const HEALING: Record<"observe" | "heal", Word> = {
  observe: { label: "Observing", tone: "info", icon: "eye" },
  heal: { label: "Healing", tone: "pass", icon: "mend" },
};

/** The word for a text that may be one of a table's keys; any other is shown as it is. */
export function wordFor(table: Record<string, Word>, text: string): Word {
  return table[text] ?? { label: text.replaceAll("_", " "), tone: "na", icon: "not_applicable" };
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
