/** Whether Central answered the last request: one fact, kept outside React, read with a hook. */
import { useSyncExternalStore } from "react";

let answering = true;
const listeners = new Set<() => void>();

export function setAnswering(now: boolean): void {
  if (now === answering) return;
  answering = now;
  for (const listener of listeners) listener();
}

export function useIsOnline(): boolean {
  return useSyncExternalStore(subscribe, () => answering && navigator.onLine);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener("online", listener);
  window.addEventListener("offline", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("online", listener);
    window.removeEventListener("offline", listener);
  };
}
