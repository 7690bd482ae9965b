/** The app's one line, kept open while somebody is signed in; its state is read with a hook. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { sessionKey } from "@/api/session";
import { Batch, fetchAgain } from "@/realtime/batch";
import { Line, type LineState } from "@/realtime/line";

let current: LineState = "connecting";
const listeners = new Set<() => void>();

export function useLineState(): LineState {
  return useSyncExternalStore(subscribe, () => current);
}

/** For the frame of the signed-in pages: there is one of it, and so there is one socket. */
export function useLive(): void {
  const queries = useQueryClient();
  useEffect(() => {
    const batch = new Batch(
      (keys) => fetchAgain(queries, keys),
      () => document.hidden || !navigator.onLine,
    );
    const line = new Line({
      origin: window.location.origin,
      open: (address) => new WebSocket(address),
      isOnline: () => navigator.onLine,
      chance: Math.random,
      onState: setState,
      onStale: (keys) => batch.add(keys),
      onSignedOut: () => void queries.invalidateQueries({ queryKey: sessionKey }),
    });
    const wake = () => {
      line.wake();
      batch.schedule();
    };
    const lose = () => line.lose();
    const shown = () => {
      if (document.hidden) return;
      line.wake();
      batch.schedule();
    };
    window.addEventListener("online", wake);
    window.addEventListener("offline", lose);
    document.addEventListener("visibilitychange", shown);
    line.start();
    return () => {
      window.removeEventListener("online", wake);
      window.removeEventListener("offline", lose);
      document.removeEventListener("visibilitychange", shown);
      line.stop();
      batch.stop();
    };
  }, [queries]);
}

function setState(state: LineState): void {
  if (state === current) return;
  current = state;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
