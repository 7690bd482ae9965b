/** One deviation: what is lived with, who answers for it, until when, and what is there now. */
import { Link } from "@tanstack/react-router";
import type { Deviation } from "@/api/types";
import { DeviationDeeds } from "@/features/deviations/DeviationDeeds";
import { hosts, standing } from "@/features/deviations/stands";
import { Card, Meta } from "@/ui/Card";
import { Time } from "@/ui/Time";

export function DeviationCard({ deviation }: { deviation: Deviation }) {
  const word = standing(deviation);
  return (
    <Card
      heading={
        <>
          <Link to="/deviations/$deviationId" params={{ deviationId: deviation.id }}>
            {deviation.check_title}
          </Link>{" "}
          <span>· {deviation.site_name}</span>
        </>
      }
      word={word}
      mark={word.tone === "fail" ? "fails" : undefined}
    >
      <p>{deviation.reason}</p>
      <p>Protected meanwhile: {deviation.control}</p>
      <Meta>
        <span>
          Until <Time at={deviation.until} />
        </span>
        <span>{deviation.state === "in_force" ? hosts(deviation) : null}</span>
        <span>Owner {deviation.owner}</span>
        <span>Accepted by {deviation.accepted_by_name}</span>
      </Meta>
      <DeviationDeeds deviation={deviation} />
    </Card>
  );
}
