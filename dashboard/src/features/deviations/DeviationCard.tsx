/** One deviation: what is lived with, who answers for it, until when, and what is there now. */
import { Link } from "@tanstack/react-router";
import type { Deviation } from "@/api/types";
import { DeviationDeeds } from "@/features/deviations/DeviationDeeds";
import { hosts, standing } from "@/features/deviations/stands";
import { Card, Meta } from "@/ui/Card";
import { Time } from "@/ui/Time";

interface Props {
  deviation: Deviation;
  /** On the page of its own, whose title says what it is about. */
  isInline?: boolean;
}

export function DeviationCard({ deviation, isInline = false }: Props) {
  const word = standing(deviation);
  const isOver = deviation.state !== "in_force";
  return (
    <Card
      heading={
        isInline ? (
          deviation.site_name
        ) : (
          <>
            <Link to="/deviations/$deviationId" params={{ deviationId: deviation.id }}>
              {deviation.check_title}
            </Link>{" "}
            <span>· {deviation.site_name}</span>
          </>
        )
      }
      word={word}
      mark={word.tone === "fail" ? "fails" : undefined}
    >
      <p>{deviation.reason}</p>
      <p>Protected meanwhile: {deviation.control}</p>
      <Meta>
        <span>
          {isOver ? "Ended" : "Ends"} <Time at={deviation.ended_at ?? deviation.until} />
        </span>
        {!isOver && <span>{hosts(deviation)}</span>}
        <span>Owner {deviation.owner}</span>
        <span>Accepted by {deviation.accepted_by_name}</span>
      </Meta>
      <DeviationDeeds deviation={deviation} />
    </Card>
  );
}
