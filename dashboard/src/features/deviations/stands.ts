/** How a deviation stands, in the words of its card: the hosts that are no more as accepted first. */
import type { Deviation } from "@/api/types";
import { counted } from "@/ui/score";
import type { Word } from "@/ui/words";

const ENDED: Record<Exclude<Deviation["state"], "in_force">, Word> = {
  expired: { label: "Expired", tone: "na", icon: "clock" },
  revoked: { label: "Revoked", tone: "na", icon: "undo" },
  replaced: { label: "Replaced", tone: "na", icon: "undo" },
};

export function standing(deviation: Deviation): Word {
  if (deviation.state !== "in_force") return ENDED[deviation.state];
  if (deviation.changed > 0) return { label: "Changed", tone: "fail", icon: "fail" };
  if (deviation.ending) return { label: "Ends soon", tone: "unknown", icon: "clock" };
  return { label: "Accepted", tone: "info", icon: "person" };
}

/** On how many of its hosts it is what was accepted, and what the others are. */
export function hosts({ hosts: all, accepted, changed, passing }: Deviation): string {
  const parts = [`${accepted} of ${counted(all, "host")} as accepted`];
  if (changed > 0) parts.push(`${changed} failing otherwise`);
  if (passing > 0) parts.push(`${passing} passing`);
  return parts.join(", ");
}
