/** How far a record is secured, in words. */
import type { Word } from "@/ui/words";

interface Secured {
  proved: boolean;
  row_stands?: boolean;
}

export function proofWord({ proved, row_stands: stands = true }: Secured): Word {
  if (!stands) return { label: "Altered since", tone: "fail", icon: "fail" };
  if (proved) return { label: "Proved", tone: "pass", icon: "pass" };
  return { label: "Not signed yet", tone: "na", icon: "clock" };
}
