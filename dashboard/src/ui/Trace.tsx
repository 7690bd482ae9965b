/** Every check of a decision with its outcome, also those after the first refusal. */
import { Badge } from "@/ui/Badge";
import classes from "@/ui/Trace.module.css";
import { TRACE, wordFor } from "@/ui/words";

interface Step {
  check: string;
  outcome: string;
  detail: string;
}

export function Trace({ steps }: { steps: readonly Step[] }) {
  return (
    <ol className={classes.trace} aria-label="Trace of the decision">
      {steps.map((step, index) => (
        <li key={index}>
          <Badge word={wordFor(TRACE, step.outcome)} quiet />
          <b>{step.check.replaceAll("_", " ")}</b>
          <span>{step.detail}</span>
        </li>
      ))}
    </ol>
  );
}
