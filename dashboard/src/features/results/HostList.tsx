/** Results on a narrow screen: host by host, what fails in words, the rest as signs. */
import { Link } from "@tanstack/react-router";
import type { SiteResults } from "@/api/types";
import classes from "@/features/results/HostList.module.css";
import { ResultCell } from "@/features/results/ResultCell";
import { type Measured, split } from "@/features/results/split";
import { Badge } from "@/ui/Badge";
import { ACCEPTED, OUTCOME } from "@/ui/words";

export function HostList({ siteId, results }: { siteId: string; results: SiteResults }) {
  return (
    <ul className={classes.hosts} aria-label="Hosts and checks">
      {results.hosts.map((host) => {
        const { asking, quiet } = split(results.checks, host.cells);
        return (
          <li key={host.id} className={classes.host}>
            <h3>
              {host.name}
              {host.observed && <small>observed, never changed</small>}
            </h3>
            {asking.length > 0 && (
              <ul className={classes.asking}>
                {asking.map((one) => (
                  <Line key={one.id} siteId={siteId} one={one} />
                ))}
              </ul>
            )}
            <div className={classes.quiet}>
              {quiet.map(({ id, title, cell }) => (
                <ResultCell key={id} siteId={siteId} cell={cell} of={`${title}, ${host.name}`} />
              ))}
            </div>
            {asking.length + quiet.length === 0 && <p className={classes.none}>Not measured yet</p>}
          </li>
        );
      })}
    </ul>
  );
}

function Line({ siteId, one }: { siteId: string; one: Measured }) {
  return (
    <li>
      <Badge word={one.cell.accepted ? ACCEPTED : OUTCOME[one.cell.outcome]} quiet />
      <Link
        to="/sites/$siteId/evidence/$logIndex"
        params={{ siteId, logIndex: String(one.cell.log_index) }}
      >
        {one.title}
      </Link>
      <span>{one.cell.summary}</span>
    </li>
  );
}
