/** /promotions/{id}: what speaks for it and against it, what a person may do, and its ledger. */
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { APPROVALS } from "@/api/permissions";
import { usePermission } from "@/api/session";
import type { PromotionStory } from "@/api/types";
import { ApproveButton } from "@/features/promotions/ApproveButton";
import { EndButton } from "@/features/promotions/EndButton";
import { promotionQuery } from "@/features/promotions/get-promotion";
import { shadowQuery } from "@/features/promotions/get-shadow";
import { LedgerTable } from "@/features/promotions/LedgerTable";
import { meritWords, runWords } from "@/features/promotions/merit";
import { Canary } from "@/features/promotions/PromotionCard";
import { ShadowPanel } from "@/features/promotions/ShadowPanel";
import { isInForce, isToDecide } from "@/features/promotions/stages";
import { Badge } from "@/ui/Badge";
import { Deeds } from "@/ui/Card";
import { Page, Pairs, Panel } from "@/ui/Page";
import { Loaded } from "@/ui/States";
import { STAGE } from "@/ui/words";

export function PromotionPage() {
  const { promotionId } = useParams({ from: "/frame/promotions/$promotionId" });
  const query = useQuery(promotionQuery(promotionId));
  return <Loaded query={query}>{(story) => <Story story={story} />}</Loaded>;
}

function Story({ story }: { story: PromotionStory }) {
  return (
    <Page
      title={story.runbook_title}
      up={{ to: "/promotions", label: "Promotions" }}
      lead={<Badge word={STAGE[story.stage]} />}
    >
      <Panel title="What it is">
        <Pairs
          pairs={[
            ["Check", <code key="check">{story.check}</code>],
            ["Pattern", <code key="pattern">{story.pattern_signature}</code>],
            ["Runbook", <code key="book">{`${story.runbook_id} ${story.runbook_version}`}</code>],
            ["Earned by", story.merit ? meritWords(story.merit) : "nothing that counts any more"],
            ["Its own runs", runWords(story.runs)],
          ]}
        />
        <Canary promotion={story} />
      </Panel>
      {isToDecide(story) ? <ToDecide story={story} /> : isInForce(story) && <InForce story={story} />}
      <Panel title="Ledger">
        <LedgerTable story={story} />
      </Panel>
    </Page>
  );
}

function ToDecide({ story }: { story: PromotionStory }) {
  const shadow = useQuery(shadowQuery(story.id));
  const mayDecide = usePermission(APPROVALS);
  return (
    <Loaded query={shadow}>
      {(found) => (
        <>
          <ShadowPanel shadow={found} />
          {mayDecide && (
            <Deeds>
              <ApproveButton promotion={story} shadow={found} />
              <EndButton promotion={story} how="reject" />
            </Deeds>
          )}
        </>
      )}
    </Loaded>
  );
}

function InForce({ story }: { story: PromotionStory }) {
  const mayDecide = usePermission(APPROVALS);
  if (!mayDecide) return null;
  return (
    <Deeds>
      <EndButton promotion={story} how="demote" />
    </Deeds>
  );
}
