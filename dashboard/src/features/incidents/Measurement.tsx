/** One measurement: its outcome, what it says, the facts it rests on. */
import classes from "@/features/incidents/Story.module.css";
import type { Measured } from "@/features/incidents/story";
import { Badge, SeverityMark } from "@/ui/Badge";
import { Facts } from "@/ui/Facts";
import { duration } from "@/ui/time";
import { OUTCOME, wordFor } from "@/ui/words";

export function Measurement({ measured }: { measured: Measured }) {
  return (
    <>
      <p className={classes.says}>
        <Badge word={wordFor(OUTCOME, measured.outcome)} /> <span>{measured.summary}</span>
      </p>
      <Facts facts={measured.facts} />
      <p className={classes.meta}>
        {measured.outcome === "fail" && <SeverityMark severity={measured.severity} />}
        {measured.durationMs !== null && <span>took {duration(measured.durationMs)}</span>}
        {measured.controls.length > 0 && <span>{measured.controls.join(" · ")}</span>}
      </p>
    </>
  );
}
