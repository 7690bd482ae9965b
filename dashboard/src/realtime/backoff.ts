/** How long to wait before the next try: doubling, capped, and spread so that pages do not storm. */

const FIRST_MS = 500;
const LONGEST_MS = 30_000;
const DOUBLINGS_MAX = 10;

/** `chance` is in [0, 1): between half of the step and the whole of it. */
export function delayMs(failures: number, chance: number): number {
  const step = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, DOUBLINGS_MAX));
  return Math.round(step * (0.5 + chance / 2));
}
