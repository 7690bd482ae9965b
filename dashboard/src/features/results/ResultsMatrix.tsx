/** Hosts × checks as a picture: each cell is a link to the evidence of the latest result. */
import { useMediaQuery } from "@mantine/hooks";
import type { SiteResults } from "@/api/types";
import { HostList } from "@/features/results/HostList";
import { ResultCell } from "@/features/results/ResultCell";
import classes from "@/features/results/ResultsMatrix.module.css";
import { Empty } from "@/ui/States";

/** Below this width the columns do not fit beside the names of the hosts. */
const NARROW = "(max-width: 42em)";

export function ResultsMatrix({ siteId, results }: { siteId: string; results: SiteResults }) {
  const { checks, hosts } = results;
  const isNarrow = useMediaQuery(NARROW, false, { getInitialValueInEffect: false });
  if (hosts.length === 0 || checks.length === 0) {
    return (
      <Empty title="Nothing measured yet">
        <p>Results appear here after the appliance's first cycle.</p>
      </Empty>
    );
  }
  if (isNarrow) return <HostList siteId={siteId} results={results} />;
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
