/** The signed bundles that tell of this incident, by their place in the log. */
import { Link } from "@tanstack/react-router";
import type { Incident } from "@/api/types";
import classes from "@/features/incidents/Story.module.css";
import { Badge } from "@/ui/Badge";
import { Time } from "@/ui/Time";
import { STATE, wordFor } from "@/ui/words";

export function Bundles(props: { siteId: string; bundles: Incident["bundles"] }) {
  if (props.bundles.length === 0) return <p>No bundle has reached the log yet.</p>;
  return (
    <ul className={classes.bundles}>
      {props.bundles.map((bundle) => (
        <li key={bundle.log_index}>
          <Link
            to="/sites/$siteId/evidence/$logIndex"
            params={{ siteId: props.siteId, logIndex: String(bundle.log_index) }}
          >
            Log entry {bundle.log_index}
          </Link>
          <Badge word={wordFor(STATE, bundle.state)} quiet />
          <Time at={bundle.at} />
        </li>
      ))}
    </ul>
  );
}
