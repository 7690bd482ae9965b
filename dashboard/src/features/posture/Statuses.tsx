/** The three questions an auditor asks first: yes, no, or not measured. */
import type { Posture } from "@/api/types";
import classes from "@/features/posture/PosturePanel.module.css";
import { Badge } from "@/ui/Badge";
import type { Word } from "@/ui/words";

const ASKED = [
  ["patching_status", "Patching"],
  ["backup_status", "Backup"],
  ["encryption_status", "Encryption"],
] as const;
const YES: Word = { label: "Yes", tone: "pass", icon: "pass" };
const NO: Word = { label: "No", tone: "fail", icon: "fail" };
const NOT_MEASURED: Word = { label: "Not measured", tone: "na", icon: "unknown" };

export function Statuses({ posture }: { posture: Posture }) {
  return (
    <dl className={classes.statuses}>
      {ASKED.map(([key, label]) => (
        <div key={key}>
          <dt>{label}</dt>
          <dd>
            <Badge word={statusWord(posture[key])} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

export function statusWord(status: boolean | null): Word {
  if (status === null) return NOT_MEASURED;
  return status ? YES : NO;
}
