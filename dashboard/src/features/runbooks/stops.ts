/** Where and why a runbook does not run, in words. */
import type { Runbook } from "@/api/types";

type Stop = Runbook["stops"][number];

const VERSION_CHARS = 12;

export function where({ kind, host_name: name, host_id: id, site_name: site }: Stop): string {
  const host = name ?? id;
  if (host) return `${host}, ${site}`;
  if (site === null) return "all sites";
  return kind === "brake" ? `${site}, by its appliance itself` : site;
}

export function how({ kind, other_version: other }: Stop): string {
  if (kind === "hold") return "on hold";
  return other === null ? "stopped" : `only version ${other.slice(0, VERSION_CHARS)} is stopped`;
}

/** How many of the runbook's stops are not among those that are shown. */
export function unshown({ stops, stopped }: Pick<Runbook, "stops" | "stopped">): number {
  return stopped - stops.filter((one) => one.other_version === null).length;
}
