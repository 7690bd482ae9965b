/** Collects stale query keys, and fetches again in rounds: never two at once, never too often. */
import type { QueryClient } from "@tanstack/react-query";
import { EVERYTHING } from "@/realtime/place";
import type { QueryKey } from "@/realtime/kinds";
import { sessionKey } from "@/api/session";

export const ROUND_MS_MIN = 300;
/** A request that hangs does not keep the other queries from being fetched. */
export const ROUND_MS_MAX = 5_000;

export class Batch {
  private readonly keys = new Map<string, QueryKey>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isRunning = false;

  /** `fetchAgain` ends when the round's requests have; `isPaused` holds rounds back (a hidden tab). */
  constructor(
    private readonly fetchAgain: (keys: QueryKey[]) => Promise<unknown>,
    private readonly isPaused: () => boolean,
  ) {}

  add(keys: QueryKey[]): void {
    for (const key of keys) this.keys.set(JSON.stringify(key), key);
    this.schedule();
  }

  /** To be called when the pause has ended, too. */
  schedule(): void {
    if (this.keys.size === 0 || this.isRunning || this.timer !== undefined || this.isPaused()) return;
    this.timer = setTimeout(() => void this.round(), ROUND_MS_MIN);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.keys.clear();
  }

  private async round(): Promise<void> {
    this.timer = undefined;
    if (this.isPaused()) return;
    const all = [...this.keys.values()];
    this.keys.clear();
    this.isRunning = true;
    try {
      await Promise.race([this.fetchAgain(all.some(isEverything) ? [EVERYTHING] : all), longest()]);
    } finally {
      this.isRunning = false;
      this.schedule();
    }
  }
}

/** One round on the cache: what is shown is fetched again, the rest when it is next shown. */
export async function fetchAgain(queries: QueryClient, keys: QueryKey[]): Promise<void> {
  await Promise.all(
    keys.map((key) =>
      queries.invalidateQueries({
        queryKey: key,
        // Who is signed in is asked for by the session's own clock.
        predicate: (query) => query.queryKey[0] !== sessionKey[0],
      }),
    ),
  );
}

function isEverything(key: QueryKey): boolean {
  return key.length === EVERYTHING.length;
}

function longest(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ROUND_MS_MAX));
}
