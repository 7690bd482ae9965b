/** One deviation: what is lived with, who answers for it, until when, and what is there now. */
import { Link } from "@tanstack/react-router";
import type { Deviation } from "@/api/types";
import { DeviationDeeds } from "@/features/deviations/DeviationDeeds";
import classes from "@/features/deviations/Deviations.module.css";
import { hosts, standing } from "@/features/deviations/stands";
import { Badge } from "@/ui/Badge";
import { Time } from "@/ui/Time";

export function DeviationCard({ deviation }: { deviation: Deviation }) {
  const word = standing(deviation);
  return (
    <article className={classes.card} data-item data-tone={word.tone}>
      <header className={classes.head}>
        <h2>
          <Link to="/deviations/$deviationId" params={{ deviationId: deviation.id }}>
            {deviation.check_title}
          </Link>{" "}
          <span>· {deviation.site_name}</span>
        </h2>
        <Badge word={word} />
      </header>
      <p>{deviation.reason}</p>
      <p>Protected meanwhile: {deviation.control}</p>
      <p className={classes.meta}>
        <span>
          Until <Time at={deviation.until} />
        </span>
        <span>{deviation.state === "in_force" ? hosts(deviation) : null}</span>
        <span>Owner {deviation.owner}</span>
        <span>Accepted by {deviation.accepted_by_name}</span>
      </p>
      <DeviationDeeds deviation={deviation} />
    </article>
  );
}
