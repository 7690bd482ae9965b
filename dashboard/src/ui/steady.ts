/** Lists that do not jump under the pointer: what arrives waits while a list is in use. */
import { useState } from "react";
import { useNow } from "@/ui/now";

const FRESH_MS = 4_000;

export interface Steady<T> {
  rows: T[];
  /** Rows that came while the list was in use; they are shown once it is left. */
  waiting: number;
  isFresh: (row: T) => boolean;
  /** For the list's element. */
  hold: {
    onPointerEnter: () => void;
    onPointerLeave: () => void;
  };
}

export interface Shown {
  keys: string[];
  /** When each row was first shown, in ms; 0 for those that were there from the start. */
  since: ReadonlyMap<string, number>;
  waiting: number;
}

/** What is shown next: while held, the rows stand as they were; those that left are left out. */
export function settle(before: Shown | null, keys: string[], isHeld: boolean, now: number): Shown {
  const known = before?.since ?? new Map<string, number>();
  // Nothing in common: another page or filter, not arrivals.
  const isNewList = before === null || !keys.some((key) => known.has(key));
  if (isNewList) return { keys, since: new Map(keys.map((key) => [key, 0])), waiting: 0 };
  if (isHeld) {
    const present = new Set(keys);
    const kept = before.keys.filter((key) => present.has(key));
    return { ...before, keys: kept, waiting: keys.length - kept.length };
  }
  return {
    keys,
    since: new Map(keys.map((key) => [key, known.get(key) ?? now])),
    waiting: 0,
  };
}

export function useSteady<T>(rows: T[], keyOf: (row: T) => string): Steady<T> {
  const now = useNow().getTime();
  const [isHeld, setHeld] = useState(false);
  const keys = rows.map(keyOf);
  const [state, setState] = useState(() => ({
    of: keys.join("\n"),
    isHeld,
    shown: settle(null, keys, false, now),
  }));
  const of = keys.join("\n");
  if (state.of !== of || state.isHeld !== isHeld) {
    setState({ of, isHeld, shown: settle(state.shown, keys, isHeld, now) });
  }
  const byKey = new Map(rows.map((row) => [keyOf(row), row]));
  const shown = state.shown.keys.flatMap((key) => byKey.get(key) ?? []);
  return {
    rows: shown,
    waiting: state.shown.waiting,
    isFresh: (row) => now - (state.shown.since.get(keyOf(row)) ?? 0) < FRESH_MS,
    hold: { onPointerEnter: () => setHeld(true), onPointerLeave: () => setHeld(false) },
  };
}
