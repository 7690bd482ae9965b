/** Host by host: what was accepted, with its evidence, and what is measured there now. */
import { Link } from "@tanstack/react-router";
import type { DeviationStory } from "@/api/types";
import classes from "@/features/deviations/Deviations.module.css";
import { Badge, SeverityMark } from "@/ui/Badge";
import { Meta } from "@/ui/Card";
import { Facts } from "@/ui/Facts";
import type { Word } from "@/ui/words";

type State = DeviationStory["states"][number];

const STANDING: Record<NonNullable<State["standing"]>, Word> = {
  accepted: { label: "As accepted", tone: "info", icon: "person" },
  changed: { label: "Fails otherwise", tone: "fail", icon: "fail" },
  passes: { label: "Passes now", tone: "pass", icon: "pass" },
  unknown: { label: "Not measured", tone: "unknown", icon: "unknown" },
};
const OVER: Word = { label: "Accepted no more", tone: "na", icon: "undo" };

export function AcceptedHosts({ story }: { story: DeviationStory }) {
  return (
    <ul className={classes.hosts} aria-label="Hosts">
      {story.states.map((state) => (
        <li key={state.host_id}>
          <header className={classes.head}>
            <h3>{state.host_name ?? state.host_id}</h3>
            <Badge word={state.standing ? STANDING[state.standing] : OVER} />
          </header>
          <Meta>
            <SeverityMark severity={state.severity} />
            <Entry siteId={story.site_id} index={state.log_index}>
              {state.summary}
            </Entry>
          </Meta>
          {state.standing === "changed" && state.log_index_now !== null && (
            <p>
              Now:{" "}
              <Entry siteId={story.site_id} index={state.log_index_now}>
                {state.summary_now}
              </Entry>
            </p>
          )}
          <details>
            <summary>All that was accepted</summary>
            <Facts facts={state.facts} />
          </details>
        </li>
      ))}
    </ul>
  );
}

function Entry(props: { siteId: string; index: number; children: string | null }) {
  return (
    <Link
      to="/sites/$siteId/evidence/$logIndex"
      params={{ siteId: props.siteId, logIndex: String(props.index) }}
    >
      {props.children}
    </Link>
  );
}
