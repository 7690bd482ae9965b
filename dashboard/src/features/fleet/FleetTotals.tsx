/** The fleet in five numbers. */
import type { Fleet } from "@/api/types";
import classes from "@/features/fleet/FleetTotals.module.css";
import { OutcomeBar } from "@/ui/OutcomeBar";

export function FleetTotals({ totals }: { totals: Fleet["totals"] }) {
  return (
    <section className={classes.totals} aria-label="Totals">
      <Total value={totals.sites} label={totals.sites === 1 ? "site" : "sites"} />
      <Total value={totals.hosts} label={totals.hosts === 1 ? "host" : "hosts"} />
      <Total value={totals.open_incidents} label="open incidents" />
      <Total value={totals.healed_24h} label="healed in 24 hours" />
      <div className={classes.results}>
        <OutcomeBar results={totals.results} />
      </div>
    </section>
  );
}

function Total({ value, label }: { value: number; label: string }) {
  return (
    <p className={classes.total}>
      <b>{value.toLocaleString("en")}</b> <span>{label}</span>
    </p>
  );
}
