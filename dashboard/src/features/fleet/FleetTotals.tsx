/** The fleet in a few numbers. */
import type { Fleet } from "@/api/types";
import classes from "@/features/fleet/FleetTotals.module.css";
import { falseHeals, timeToRepair } from "@/features/fleet/lasting";
import { OutcomeBar } from "@/ui/OutcomeBar";

export function FleetTotals({ totals }: { totals: Fleet["totals"] }) {
  return (
    <section className={classes.totals} aria-label="Totals">
      <Total value={totals.sites} label={totals.sites === 1 ? "site" : "sites"} />
      <Total value={totals.hosts} label={totals.hosts === 1 ? "host" : "hosts"} />
      <Total value={totals.open_incidents} label="open incidents" />
      <Total value={totals.healed_24h} label="healed in 24 hours" />
      <Lasting heals={totals.heals} />
      <div className={classes.results}>
        <OutcomeBar results={totals.results} />
      </div>
    </section>
  );
}

/** Whether repairs last; a dash where no watch is over yet. */
function Lasting({ heals }: { heals: Fleet["totals"]["heals"] }) {
  const repair = timeToRepair(heals);
  const note = `Of the heals of the last ${heals.days} days whose watch is over, so many drifted again within it.`;
  return (
    <p className={classes.total} title={repair ? `${note} Mean time to repair: ${repair}.` : note}>
      <b>{falseHeals(heals) ?? "–"}</b> <span>false heals in {heals.days} days</span>
    </p>
  );
}

function Total({ value, label }: { value: number; label: string }) {
  return (
    <p className={classes.total}>
      <b>{value.toLocaleString("en")}</b> <span>{label}</span>
    </p>
  );
}
