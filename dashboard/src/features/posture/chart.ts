/** The chart's arithmetic: which points join, where they stand, what the axes say. */
import type { Results, Score } from "@/api/types";
import { isHalfMeasured } from "@/ui/score";

export interface Moment {
  at: string;
  score: Score;
  results: Results;
}

export interface Dot {
  at: number;
  /** Passed of what was measured, 0 to 1; null where too little was measured to say. */
  share: number | null;
  of: Moment;
}

/** Snapshots are taken every hour: with more than this between two, the time between is a gap. */
const SNAPSHOT_MS = 3_600_000;
const GAP_STEPS = 2.5;

export function dots(moments: Moment[]): Dot[] {
  return moments
    .map((of) => ({ at: Date.parse(of.at), share: share(of), of }))
    .sort((one, other) => one.at - other.at);
}

/** Runs of points that a line may join: never across a gap, never through what was not measured. */
export function runs(all: Dot[], stepSeconds: number): Dot[][] {
  const longest = GAP_STEPS * Math.max(SNAPSHOT_MS, stepSeconds * 1_000);
  const found: Dot[][] = [];
  let previous: Dot | null = null;
  for (const dot of all) {
    if (dot.share === null) {
      previous = null;
      continue;
    }
    const last = found.at(-1);
    const joins = previous !== null && last !== undefined && dot.at - previous.at <= longest;
    if (joins) last.push(dot);
    else found.push([dot]);
    previous = dot;
  }
  return found;
}

export interface Frame {
  left: number;
  top: number;
  width: number;
  height: number;
  since: number;
  until: number;
}

export function x(frame: Frame, at: number): number {
  const span = Math.max(1, frame.until - frame.since);
  const part = Math.min(1, Math.max(0, (at - frame.since) / span));
  return round(frame.left + part * frame.width);
}

export function y(frame: Frame, of: number): number {
  return round(frame.top + (1 - of) * frame.height);
}

/** A step line: each score holds until the next was measured. */
export function line(frame: Frame, run: Dot[]): string {
  return run
    .map((dot, index) => {
      const to = `${x(frame, dot.at)} ${y(frame, dot.share ?? 0)}`;
      return index === 0 ? `M${to}` : `H${x(frame, dot.at)}V${y(frame, dot.share ?? 0)}`;
    })
    .join("");
}

export function area(frame: Frame, run: Dot[]): string {
  const [first, last] = [run[0], run.at(-1)];
  if (first === undefined || last === undefined) return "";
  const floor = y(frame, 0);
  return `${line(frame, run)}L${x(frame, last.at)} ${floor}L${x(frame, first.at)} ${floor}Z`;
}

function share({ score, results }: Moment): number | null {
  if (score === null || score.assessed === 0 || !isHalfMeasured(results, score)) return null;
  return score.passed / score.assessed;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
