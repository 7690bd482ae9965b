/** A freeze in words. */
import type { Freeze } from "@/api/types";

export function title(freeze: Pick<Freeze, "reach" | "site_name" | "appliance_name">): string {
  switch (freeze.reach) {
    case "partner":
      return "Frozen: all sites";
    case "site":
      return `Frozen: ${freeze.site_name ?? "this site"}`;
    case "appliance":
      return `Frozen: ${freeze.appliance_name ?? "an appliance"} at ${freeze.site_name ?? "this site"}`;
  }
}

export function confirmedWords({ confirmed, total }: Pick<Freeze, "confirmed" | "total">): string {
  if (total === 0) return "No appliance is enrolled here.";
  if (confirmed === total && total > 1) return `All ${total} appliances have confirmed.`;
  return `${confirmed} of ${total} ${total === 1 ? "appliance has" : "appliances have"} confirmed.`;
}
