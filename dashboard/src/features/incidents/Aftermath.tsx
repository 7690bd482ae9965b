/** What became of what a run had changed: put back and found back, or left by hand, step by step. */
import type { Incident } from "@/api/types";
import classes from "@/features/incidents/Story.module.css";
import { Badge } from "@/ui/Badge";
import { AFTERMATH } from "@/ui/words";

const SAYS: Record<Incident["undo"], string> = {
  nothing: "The run had changed nothing, so there was nothing to undo.",
  stands: "The run got through. What it changed stands.",
  verified: "All that it had changed was put back, and each file and unit was found as it was before.",
  part: "Some of it could not be put back and is left to look at by hand.",
  unknown: "The agent was stopped during the run. Look at the host: which steps ran is not known.",
};

export function Aftermath({ incident }: { incident: Pick<Incident, "undo" | "left"> }) {
  const { undo, left } = incident;
  return (
    <section aria-label="What was undone" className={classes.aftermath}>
      <p className={classes.says}>
        <Badge word={AFTERMATH[undo]} /> <span>{SAYS[undo]}</span>
      </p>
      {undo === "part" && left.length > 0 && (
        <ul>
          {left.map((step) => (
            <li key={step}>
              <code>{step}</code>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
