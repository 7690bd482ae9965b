/** In whose hands it is, and everybody who had it before, each with the note that went with it. */
import type { Incident } from "@/api/types";
import classes from "@/features/incidents/Story.module.css";
import { Time } from "@/ui/Time";

export function Handovers({ handovers }: { handovers: Incident["handovers"] }) {
  return (
    <ol className={classes.handed}>
      {handovers.map((one, index) => (
        <li key={one.at}>
          <p>
            <b>{one.to_name}</b>
            {index === 0 ? " has it: " : " had it: "}
            {one.note}
          </p>
          <small>
            handed over by {one.by_name} <Time at={one.at} />
          </small>
        </li>
      ))}
    </ol>
  );
}
