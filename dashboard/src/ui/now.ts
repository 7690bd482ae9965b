/** One clock for every relative time on the page; it stands still while nobody looks. */
import { useSyncExternalStore } from "react";

const TICK_MS = 1_000;

let current = new Date();
let timer: number | undefined;
const listeners = new Set<() => void>();

export function useNow(): Date {
  return useSyncExternalStore(subscribe, () => current);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= window.setInterval(tick, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    window.clearInterval(timer);
    timer = undefined;
  };
}

function tick(): void {
  if (document.hidden) return;
  current = new Date();
  for (const listener of listeners) listener();
}
