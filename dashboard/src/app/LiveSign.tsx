/** Whether the page hears of changes as they happen; said aloud when that changes. */
import classes from "@/app/LiveSign.module.css";
import type { LineState } from "@/realtime/line";
import { useLineState } from "@/realtime/live";

const WORDS: Record<LineState, string> = {
  connecting: "Connecting",
  live: "Live",
  reconnecting: "Reconnecting",
  offline: "Offline",
};
const HINTS: Record<LineState, string> = {
  connecting: "The line for changes is being opened",
  live: "Changes show as they happen",
  reconnecting: "The line for changes is down; this page is refreshed every 30 s and tries again",
  offline: "This device has no network; the page shows what was last known",
};

export function LiveSign() {
  const state = useLineState();
  return (
    <p className={classes.sign} data-state={state} role="status" title={HINTS[state]}>
      <span>{WORDS[state]}</span>
    </p>
  );
}
