/** A stop in words. */
import type { Stop } from "@/api/types";

const VERSION_CHARS = 12;

export function subject(stop: Pick<Stop, "kind" | "title" | "version">): string {
  return stop.kind === "rule"
    ? `Rule ${stop.title}, revision ${stop.version}`
    : `${stop.title}, version ${stop.version.slice(0, VERSION_CHARS)}`;
}

export function reach(stop: Pick<Stop, "appliance_id" | "appliance_name" | "site_name">): string {
  if (stop.appliance_id === null) return "at all sites";
  const where = stop.site_name ?? "its site";
  return `at ${where}, whose appliance ${stop.appliance_name ?? "there"} stopped it itself,`;
}
