/** How far an entry is secured: logged, under a signed checkpoint, witnessed by an appliance. */
import type { EvidencePage } from "@/api/types";
import type { Word } from "@/ui/words";

export function coverage(logIndex: number, log: EvidencePage["log"]): Word {
  if (logIndex < log.witnessed_size) return { label: "Witnessed", tone: "pass", icon: "eye" };
  if (logIndex < log.checkpoint_size) {
    return { label: "Checkpointed", tone: "info", icon: "pass" };
  }
  return { label: "Logged", tone: "na", icon: "clock" };
}
