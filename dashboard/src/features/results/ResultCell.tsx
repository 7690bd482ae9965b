/** One result as a sign: a link to its evidence, with its words in the tip and in its name. */
import { Tooltip } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Cell } from "@/api/types";
import classes from "@/features/results/ResultsMatrix.module.css";
import { Icon } from "@/ui/icons";
import { useNow } from "@/ui/now";
import { relative } from "@/ui/time";
import { ACCEPTED, OUTCOME } from "@/ui/words";

export function ResultCell({ siteId, cell, of }: { siteId: string; cell: Cell | undefined; of: string }) {
  const now = useNow();
  if (cell === undefined) {
    return (
      <span className={classes.none} title={`Not measured yet: ${of}`}>
        <span aria-hidden>·</span>
        <span className={classes.spoken}>not measured yet</span>
      </span>
    );
  }
  const word = cell.accepted ? ACCEPTED : OUTCOME[cell.outcome];
  const when = relative(new Date(cell.effective_at), now);
  return (
    <Tooltip
      multiline
      w={300}
      withArrow
      events={{ hover: true, focus: true, touch: true }}
      label={
        <>
          <strong>
            {word.label}: {of}
          </strong>
          <br />
          {cell.summary} ({when})
        </>
      }
    >
      <Link
        to="/sites/$siteId/evidence/$logIndex"
        params={{ siteId, logIndex: String(cell.log_index) }}
        className={classes.cell}
        data-tone={word.tone}
        aria-label={`${word.label}: ${of}`}
      >
        <Icon name={word.icon} size={15} />
      </Link>
    </Tooltip>
  );
}
