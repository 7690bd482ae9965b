/** The last days as if it had been in force, and what speaks against an approval. */
import type { PromotionShadow } from "@/api/types";
import classes from "@/features/promotions/ShadowPanel.module.css";
import { Facts } from "@/ui/Facts";
import { Pairs, Panel } from "@/ui/Page";

export function ShadowPanel({ shadow }: { shadow: PromotionShadow }) {
  const verdicts = Object.entries(shadow.verdicts)
    .map(([verdict, count]) => `${verdict} ${count}`)
    .join(", ");
  return (
    <Panel title={`The last ${shadow.days} days in the shadow`}>
      <Pairs
        pairs={[
          ["Incidents of its pattern", shadow.total],
          ["Looked at", shadow.total > shadow.incidents ? `the newest ${shadow.incidents}` : "all"],
          ["Its preconditions and inputs are there", `${shadow.resolved} of ${shadow.incidents}`],
          ["The policy of now", verdicts || "—"],
          ["Its runbook healed for good", shadow.confirmed],
          ["Its runbook went wrong", shadow.contradicted],
        ]}
      />
      <Facts facts={{ inputs: shadow.inputs }} />
      {shadow.against.length > 0 ? (
        <div role="note" className={classes.against}>
          <p>It cannot be approved now:</p>
          <ul>
            {shadow.against.map((why) => (
              <li key={why}>{why}</li>
            ))}
          </ul>
        </div>
      ) : (
        <p>Nothing speaks against it.</p>
      )}
    </Panel>
  );
}
