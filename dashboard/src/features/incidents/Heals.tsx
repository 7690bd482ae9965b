/** What became of each repair over time: attempted, healed, watched, stable or drifted again. */
import type { Incident } from "@/api/types";
import { moments } from "@/features/incidents/heals";
import classes from "@/features/incidents/Story.module.css";
import { Badge } from "@/ui/Badge";
import { Time } from "@/ui/Time";

export function Heals({ heals }: { heals: Incident["heals"] }) {
  if (heals.length === 0) {
    return <p>Nothing was healed here, so nothing is watched.</p>;
  }
  return heals.map((heal) => (
    <section key={heal.number} aria-label={`Heal ${heal.number}`}>
      {heals.length > 1 && <h3>Heal {heal.number}</h3>}
      <ul className={classes.bundles}>
        {moments(heal).map(({ word, says, at }) => (
          <li key={word.label}>
            <Badge word={word} quiet />
            <span>{says}</span>
            <Time at={at} as="clock" />
          </li>
        ))}
      </ul>
    </section>
  ));
}
