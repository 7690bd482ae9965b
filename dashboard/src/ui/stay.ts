/** What a person has seen on a page of tasks stays where it was, also once it is done. */
import { useState } from "react";

/** `seen` in their places, then what is new; whatever is neither current nor known is left out. */
export function stay(seen: string[], current: string[], known: string[]): string[] {
  const all = new Set([...current, ...known]);
  const kept = seen.filter((key) => all.has(key));
  return [...kept, ...current.filter((key) => !kept.includes(key))];
}

/**
 * Tasks (`current`) of a page in steady places, until the page is left; `known` has their data once
 * they are tasks no more, and so must hold items of every state: the two lists are fetched apart, and
 * one may know of an end before the other. `rest` are those of `known` that were never a task here.
 */
export function useStay<T>(
  current: T[],
  known: T[],
  keyOf: (item: T) => string,
): { here: T[]; rest: T[] } {
  const byKey = new Map([...known, ...current].map((item) => [keyOf(item), item]));
  const [seen, setSeen] = useState<string[]>([]);
  const keys = stay(seen, current.map(keyOf), known.map(keyOf));
  if (keys.join("\n") !== seen.join("\n")) setSeen(keys);
  return {
    here: keys.flatMap((key) => byKey.get(key) ?? []),
    rest: known.filter((item) => !keys.includes(keyOf(item))),
  };
}
