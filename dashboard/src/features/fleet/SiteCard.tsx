/** One site of the fleet: how it stands, and whether its evidence keeps arriving. */
import { Link } from "@tanstack/react-router";
import type { SiteOverview } from "@/api/types";
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
    <article className={classes.card}>
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
        <Fact label="Last check-in" value={<MaybeTime at={site.last_checkin} none="never" />} />
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

function incidents(site: SiteOverview) {
  return (
    <>
      <span data-some={site.open_incidents > 0 || undefined}>{site.open_incidents} open</span>
      {site.would_run > 0 && (
        <small>
          {site.would_run} {site.healing === "heal" ? "observed only" : "would run if it healed"}
        </small>
      )}
    </>
  );
}
