/** /promotions: what L2 taught, what a person lets L1 do by itself, and what was ended. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { PatternPage, PromotionPage } from "@/api/types";
import { patternsQuery } from "@/features/promotions/get-patterns";
import { promotionsQuery } from "@/features/promotions/get-promotions";
import { PatternTable } from "@/features/promotions/PatternTable";
import { PromotionCard } from "@/features/promotions/PromotionCard";
import { PromotionTable } from "@/features/promotions/PromotionTable";
import { isOver } from "@/features/promotions/stages";
import { Page, Panel } from "@/ui/Page";
import { Empty, Loaded } from "@/ui/States";
import { Pager } from "@/ui/Table";

export function PromotionsPage() {
  const { cursor } = useSearch({ from: "/frame/promotions" });
  const standing = useQuery(promotionsQuery(false));
  const all = useQuery(promotionsQuery(true, cursor));
  const patterns = useQuery(patternsQuery());
  return (
    <Page
      title="Promotions"
      lead="A runbook that L2 chose again and again, and whose repairs verifiably lasted, may become L1's own answer. A person says so; its own runs end it."
    >
      <Loaded query={standing}>
        {(found) => (
          <Loaded query={all}>
            {(page) => <Promotions standing={found} page={page} cursor={cursor} />}
          </Loaded>
        )}
      </Loaded>
      <Loaded query={patterns}>{(found) => <Patterns found={found} />}</Loaded>
    </Page>
  );
}

function Promotions(props: {
  standing: PromotionPage;
  page: PromotionPage;
  cursor: string | undefined;
}) {
  const { standing, page, cursor } = props;
  const navigate = useNavigate();
  const over = page.items.filter(isOver);
  return (
    <>
      {standing.items.length > 0 ? (
        standing.items.map((one) => <PromotionCard key={one.id} promotion={one} />)
      ) : (
        <Empty title="No promotion">
          <p>
            It takes five incidents of one pattern, three of them healed for good by L2 with the
            same runbook, and 90 % verified success.
          </p>
        </Empty>
      )}
      {(over.length > 0 || cursor !== undefined) && (
        <Panel title="Over">
          <PromotionTable promotions={over} />
        </Panel>
      )}
      <Pager
        isFirst={cursor === undefined}
        next={page.next_cursor}
        go={(next) => void navigate({ to: "/promotions", search: { cursor: next } })}
      />
    </>
  );
}

function Patterns({ found }: { found: PatternPage }) {
  if (found.items.length === 0) return null;
  const note = found.next_cursor === null ? "The last 90 days" : "The last 90 days, the first of many";
  return (
    <Panel title="What runs taught" note={note}>
      <PatternTable patterns={found.items} />
    </Panel>
  );
}
