/** An incident's parts as the bundle recorded them (evidence.bundle/1 and /2), read without trust. */
import type { Incident } from "@/api/types";

export interface Measured {
  outcome: string;
  severity: string;
  summary: string;
  facts: Record<string, unknown>;
  measuredAt: string | null;
  durationMs: number | null;
  controls: string[];
}

export interface TraceStep {
  check: string;
  outcome: string;
  detail: string;
}

export interface Decided {
  verdict: string;
  code: string;
  ruleId: string | null;
  policyRevision: number | null;
  approverRoles: string[];
  trace: TraceStep[];
  would: { verdict: string; code: string; ruleId: string | null } | null;
}

export interface Step {
  step: string;
  type: string;
  target: string;
  isDryRun: boolean;
  isChanged: boolean;
  isUndone: boolean;
  exitCode: number | null;
  durationMs: number | null;
  output: string;
  diff: string;
  error: string | null;
}

/** A person's wish to have a run undone, and what came of it. */
export interface Undo {
  name: string;
  runbook: string;
  reason: string;
  state: string;
  detail: string | null;
  at: string | null;
}

export interface Story {
  before: Measured;
  decision: Decided | null;
  undo: Undo | null;
  runbook: { id: string; version: string; digest: string; risk: string } | null;
  steps: Step[];
  after: Measured | null;
}

export function tell(incident: Incident): Story {
  const { decision, runbook, actions, before, after } = incident;
  return {
    before: measured(record(before)),
    decision: decision ? decided(record(decision)) : null,
    undo: undone(record(record(decision).undo)),
    runbook: runbook ? named(record(runbook)) : null,
    steps: list(actions).map((action) => step(record(action))),
    after: after ? measured(record(after)) : null,
  };
}

type Json = Record<string, unknown>;

function measured(given: Json): Measured {
  return {
    outcome: text(given.outcome),
    severity: text(given.severity),
    summary: text(given.summary),
    facts: record(given.facts),
    measuredAt: maybeText(given.measured_at),
    durationMs: number(given.duration_ms),
    controls: list(given.controls).map(text),
  };
}

function decided(given: Json): Decided {
  const would = given.would ? record(given.would) : null;
  return {
    verdict: text(given.verdict),
    code: text(given.code),
    ruleId: maybeText(given.ruleId),
    policyRevision: number(given.policyRevision),
    approverRoles: list(given.approverRoles).map(text),
    trace: list(given.trace).map((entry) => {
      const { check, outcome, detail } = record(entry);
      return { check: text(check), outcome: text(outcome), detail: text(detail) };
    }),
    would: would && {
      verdict: text(would.verdict),
      code: text(would.code),
      ruleId: maybeText(would.ruleId),
    },
  };
}

function undone(given: Json): Undo | null {
  if (text(given.state) === "") return null;
  return {
    name: text(given.name),
    runbook: text(given.runbook),
    reason: text(given.reason),
    state: text(given.state),
    detail: maybeText(given.detail),
    at: maybeText(given.at),
  };
}

function named(given: Json): NonNullable<Story["runbook"]> {
  return {
    id: text(given.id),
    version: text(given.version),
    digest: text(given.digest),
    risk: text(given.risk),
  };
}

function step(given: Json): Step {
  return {
    step: text(given.step),
    type: text(given.type),
    target: text(given.target),
    isDryRun: given.dry_run === true,
    isChanged: given.changed === true,
    isUndone: given.undone === true,
    exitCode: number(given.exit_code),
    durationMs: number(given.duration_ms),
    output: text(given.output),
    diff: text(given.diff),
    error: maybeText(given.error),
  };
}

function record(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Json)
    : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return value === undefined || value === null ? "" : String(value);
}

function maybeText(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function number(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}
