/** The list a person reads before a site may heal: each repair, where, and its diff. */
import type { WouldRun } from "@/api/types";
import { grouped } from "@/features/sites/would-run";
import classes from "@/features/sites/WouldRunList.module.css";
import { Badge } from "@/ui/Badge";
import { DiffView } from "@/ui/DiffView";
import { codeWords, VERDICT } from "@/ui/words";

export function WouldRunList({ items }: { items: WouldRun[] }) {
  if (items.length === 0) {
    return <p className={classes.none}>Nothing: no incident here has a repair that would run.</p>;
  }
  return (
    <div className={classes.groups}>
      {grouped(items).map((group) => (
        <section key={group.verdict} aria-label={group.title}>
          <h3>
            <Badge word={VERDICT[group.verdict]} /> {group.title}
          </h3>
          <ul>
            {group.items.map((item) => (
              <WouldRunRow key={item.incident_id} item={item} />
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

function WouldRunRow({ item }: { item: WouldRun }) {
  const { runbook, would } = item;
  return (
    <li>
      <p>
        <b>{item.host_name ?? item.host_id}</b> {item.summary}
      </p>
      <p className={classes.small}>
        {runbook ? (
          <>
            <code>{runbook.id}</code> · {runbook.risk} risk
          </>
        ) : (
          "no runbook"
        )}
        {would?.code && ` · ${codeWords(would.code)}`}
      </p>
      {item.diff && (
        <details>
          <summary>What it would change</summary>
          <DiffView diff={item.diff} />
        </details>
      )}
    </li>
  );
}
