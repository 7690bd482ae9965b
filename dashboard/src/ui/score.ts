/** The one way the pages say a score: never a bare percentage. */
import type { Results, Score } from "@/api/types";

export interface ScoreWords {
  headline: string;
  detail: string;
  isEnough: boolean;
}

export function scoreWords(results: Results, score: Score): ScoreWords {
  if (score === null || score.assessed === 0) {
    return { headline: "Nothing measured yet", detail: machines(score), isEnough: false };
  }
  const isEnough = isHalfMeasured(results, score);
  return {
    headline: isEnough
      ? `${percent(score)} % of ${score.assessed} ${plural(score.assessed, "result")}`
      : "Too little measured",
    detail: [
      ...(isEnough ? [] : [`${score.passed} of ${score.assessed} passed`]),
      machines(score),
      ...(score.accepted > 0 ? [`${counted(score.accepted, "failure")} accepted`] : []),
    ].join("; "),
    isEnough,
  };
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return count === 1 ? one : many;
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en")} ${plural(count, one, many)}`;
}

/** Rounded down: 99.6 % with a failure in it is not 100 %. */
function percent({ passed, assessed }: NonNullable<Score>): number {
  return Math.floor((100 * passed) / assessed);
}

function machines(score: Score): string {
  if (score === null || score.hosts === 0) return "no machine has reported";
  const missing = score.hosts - score.measured_hosts;
  if (missing === 0) return score.hosts === 1 ? "the machine is measured" : `all ${score.hosts} machines measured`;
  return `${missing} of ${counted(score.hosts, "machine")} not measured`;
}

/** Whether a score may be said: half of the machines and half of the results are measured. */
export function isHalfMeasured(results: Results, score: NonNullable<Score>): boolean {
  const askable = results.pass + results.fail + results.unknown;
  return score.measured_hosts * 2 >= score.hosts && score.assessed * 2 >= askable;
}
