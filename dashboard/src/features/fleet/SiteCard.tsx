/** One site of the fleet: how it stands, and whether its evidence keeps arriving. */
import { Link } from "@tanstack/react-router";
import type { SiteOverview } from "@/api/types";
import { endings, levels } from "@/features/fleet/endings";
import classes from "@/features/fleet/SiteCard.module.css";
import { Badge } from "@/ui/Badge";
import { OutcomeBar } from "@/ui/OutcomeBar";
import { Online } from "@/ui/Online";
import { counted, scoreWords } from "@/ui/score";
import { MaybeTime, Time } from "@/ui/Time";
import { HEALING } from "@/ui/words";

export function SiteCard({ site }: { site: SiteOverview }) {
  const score = scoreWords(site.results, site.score);
  return (
    <article className={classes.card} data-item>
      <div className={classes.name}>
        <h2>
          <Link to="/sites/$siteId" params={{ siteId: site.id }} className={classes.link}>
            {site.name}
          </Link>
        </h2>
        <p className={classes.states}>
          <Badge word={HEALING[site.healing]} />
          <Online total={site.appliances.total} online={site.appliances.online} />
        </p>
      </div>
      <div className={classes.score}>
        <p>
          <b data-enough={score.isEnough || undefined}>{score.headline}</b>
          <span>{score.detail}</span>
        </p>
        <OutcomeBar results={site.results} />
      </div>
      <dl className={classes.facts}>
        <Fact label="Incidents" value={incidents(site)} />
        <Fact
          label="Evidence"
          value={
            <>
              {counted(site.log.size, "entry", "entries")}
              <small>
                {site.log.checkpoint_at ? (
                  <>
                    checkpoint <Time at={site.log.checkpoint_at} />
                  </>
                ) : (
                  "no checkpoint yet"
                )}
              </small>
            </>
          }
        />
        <Fact label="Check-ins" value={checkins(site)} />
      </dl>
    </article>
  );
}

function Fact({ label, value }: { label: string; value: React.ReactNode }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** A check-in is no event, so its moment is told only where they have stopped. */
function checkins({ appliances, last_checkin }: SiteOverview) {
  if (appliances.total > 0 && appliances.online === appliances.total) return "on time";
  return <MaybeTime at={last_checkin} none="never" />;
}

function incidents(site: SiteOverview) {
  return (
    <>
      <span data-some={site.open_incidents > 0 || undefined}>{site.open_incidents} open</span>
      <small>{endings(site.incidents)}</small>
      <small>{levels(site.incidents)}</small>
      {site.would_run > 0 && (
        <small>
          {site.would_run} {site.healing === "heal" ? "observed only" : "would run if it healed"}
        </small>
      )}
    </>
  );
}
