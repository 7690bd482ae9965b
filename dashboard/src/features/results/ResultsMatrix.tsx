/** Hosts × checks as a picture: each cell is a link to the evidence of the latest result. */
import { Tooltip } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Cell, SiteResults } from "@/api/types";
import classes from "@/features/results/ResultsMatrix.module.css";
import { Icon } from "@/ui/icons";
import { useNow } from "@/ui/now";
import { Empty } from "@/ui/States";
import { relative } from "@/ui/time";
import { OUTCOME } from "@/ui/words";

export function ResultsMatrix({ siteId, results }: { siteId: string; results: SiteResults }) {
  const { checks, hosts } = results;
  if (hosts.length === 0 || checks.length === 0) {
    return (
      <Empty title="Nothing measured yet">
        <p>Results appear here after the appliance's first cycle.</p>
      </Empty>
    );
  }
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls: keyboards need it
    <div className={classes.scroll} role="region" aria-label="Hosts and checks" tabIndex={0}>
      <table className={classes.matrix}>
        <thead>
          <tr>
            <th scope="col">Host</th>
            {checks.map((check) => (
              <th key={check.id} scope="col" title={check.id}>
                <span className={classes.upright}>{check.title}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {hosts.map((host) => (
            <tr key={host.id}>
              <th scope="row">
                {host.name}
                {host.observed && <small>observed, never changed</small>}
              </th>
              {checks.map((check) => (
                <td key={check.id}>
                  <ResultCell
                    siteId={siteId}
                    cell={host.cells[check.id]}
                    of={`${check.title}, ${host.name}`}
                  />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ResultCell({ siteId, cell, of }: { siteId: string; cell: Cell | undefined; of: string }) {
  const now = useNow();
  if (cell === undefined) {
    return (
      <span className={classes.none} title={`Not measured yet: ${of}`}>
        <span aria-hidden>·</span>
        <span className={classes.spoken}>not measured yet</span>
      </span>
    );
  }
  const word = OUTCOME[cell.outcome];
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
