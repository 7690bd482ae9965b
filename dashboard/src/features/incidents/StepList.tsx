/** The steps of a runbook as they ran (or would have): command, exit code, diff, tail of the output. */
import classes from "@/features/incidents/Story.module.css";
import type { Step } from "@/features/incidents/story";
import { DiffView } from "@/ui/DiffView";
import { Text } from "@/ui/Json";
import { duration } from "@/ui/time";

export function StepList({ steps }: { steps: Step[] }) {
  return (
    <ol className={classes.steps}>
      {steps.map((step, index) => (
        <li key={index}>
          <h3>{step.step}</h3>
          <p className={classes.meta}>
            <code>{step.type}</code>
            <code>{step.target}</code>
            <span data-tone={step.error ? "fail" : undefined}>{resultWords(step)}</span>
            {step.exitCode !== null && <span>exit code {step.exitCode}</span>}
            {step.durationMs !== null && !step.isDryRun && <span>{duration(step.durationMs)}</span>}
          </p>
          {step.error && <p className={classes.error}>{step.error}</p>}
          {step.diff && <DiffView diff={step.diff} />}
          {step.output && <Text text={step.output} label={`Output of ${step.step}`} />}
        </li>
      ))}
    </ol>
  );
}

function resultWords(step: Step): string {
  if (step.isUndone) return "changed, and undone";
  if (step.error) return step.isChanged ? "failed, its change is left" : "failed";
  if (step.isDryRun) return step.isChanged ? "would change" : "would change nothing";
  return step.isChanged ? "changed" : "nothing to change";
}
