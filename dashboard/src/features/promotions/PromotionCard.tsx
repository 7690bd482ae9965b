/** One promotion in the list: what for, what speaks for it, where it stands. */
import { Link } from "@tanstack/react-router";
import type { Promotion } from "@/api/types";
import { meritWords, runWords } from "@/features/promotions/merit";
import { isInForce, isToDecide } from "@/features/promotions/stages";
import { Card, Meta } from "@/ui/Card";
import { Time } from "@/ui/Time";
import { STAGE } from "@/ui/words";

export function PromotionCard({ promotion }: { promotion: Promotion }) {
  return (
    <Card
      heading={
        <Link to="/promotions/$promotionId" params={{ promotionId: promotion.id }}>
          {promotion.runbook_title}
        </Link>
      }
      word={STAGE[promotion.stage]}
      mark={isToDecide(promotion) ? "waits" : undefined}
    >
      {promotion.merit && <p>{meritWords(promotion.merit)}.</p>}
      {isInForce(promotion) && <p>{runWords(promotion.runs)}</p>}
      <Canary promotion={promotion} />
      <Meta>
        <span>
          Check <code>{promotion.check}</code>, pattern <code>{promotion.pattern_signature}</code>
        </span>
        <span>
          Runbook <code>{promotion.runbook_id}</code>, version {promotion.runbook_version}
        </span>
        <span>
          Proposed <Time at={promotion.created_at} />
        </span>
      </Meta>
    </Card>
  );
}

export function Canary({ promotion }: { promotion: Promotion }) {
  if (promotion.stage !== "canary" || !promotion.canary_site_id) return null;
  return (
    <p>
      In its canary at{" "}
      <Link to="/sites/$siteId" params={{ siteId: promotion.canary_site_id }}>
        {promotion.canary_site_name}
      </Link>
      {promotion.canary_until && (
        <>
          , over at the earliest <Time at={promotion.canary_until} /> and once a run has lasted
        </>
      )}
      .
    </p>
  );
}
