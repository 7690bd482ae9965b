/** Results as a small stacked bar with their counts beside it. */
import type { Results } from "@/api/types";
import classes from "@/ui/OutcomeBar.module.css";
import { OUTCOME, OUTCOMES } from "@/ui/words";

export function OutcomeBar({ results }: { results: Results }) {
  const total = OUTCOMES.reduce((sum, outcome) => sum + results[outcome], 0);
  return (
    <div className={classes.outcomes}>
      <div className={classes.bar} aria-hidden="true">
        {OUTCOMES.filter((outcome) => results[outcome] > 0).map((outcome) => (
          <span
            key={outcome}
            data-outcome={outcome}
            style={{ flexGrow: results[outcome] / total }}
          />
        ))}
      </div>
      <ul className={classes.counts} aria-label="Results by outcome">
        {OUTCOMES.map((outcome) => (
          <li key={outcome} data-outcome={outcome} data-none={results[outcome] === 0 || undefined}>
            <b>{results[outcome].toLocaleString("en")}</b> {OUTCOME[outcome].label.toLowerCase()}
          </li>
        ))}
        {results.accepted > 0 && (
          <li data-outcome="fail">
            <b>{results.accepted.toLocaleString("en")}</b> of them accepted
          </li>
        )}
      </ul>
    </div>
  );
}
