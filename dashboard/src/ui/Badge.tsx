/** A word with its tone and icon; colour is never the only carrier. */
import classes from "@/ui/Badge.module.css";
import { Icon } from "@/ui/icons";
import type { Word } from "@/ui/words";

export function Badge({ word, quiet = false }: { word: Word; quiet?: boolean }) {
  return (
    <span className={classes.badge} data-tone={word.tone} data-quiet={quiet || undefined}>
      <Icon name={word.icon} size={13} />
      {word.label}
    </span>
  );
}

export function SeverityMark({ severity }: { severity: string }) {
  return (
    <span className={classes.severity} data-severity={severity}>
      {severity}
    </span>
  );
}
