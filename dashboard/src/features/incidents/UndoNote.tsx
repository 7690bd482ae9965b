/** Who had a run undone, why, and what came of it, as the appliance tells it. */
import classes from "@/features/incidents/Story.module.css";
import type { Undo } from "@/features/incidents/story";
import { Badge } from "@/ui/Badge";
import { Panel } from "@/ui/Page";
import { Time } from "@/ui/Time";
import { UNDO, wordFor } from "@/ui/words";

export function UndoNote({ undo }: { undo: Undo }) {
  return (
    <Panel title="The undo">
      <p className={classes.says}>
        <Badge word={wordFor(UNDO, undo.state)} />
        <span>
          {undo.name} wanted <code>{undo.runbook}</code> undone: {undo.reason}
        </span>
        {undo.at && <Time at={undo.at} as="clock" />}
      </p>
      {undo.detail && <p>{undo.detail}</p>}
    </Panel>
  );
}
