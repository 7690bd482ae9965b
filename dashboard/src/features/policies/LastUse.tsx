/** When a rule decided last, and how often; nothing where that is not known. */
import classes from "@/features/policies/LastUse.module.css";
import type { Uses } from "@/features/policies/uses";
import { Time } from "@/ui/Time";

export function LastUse({ id, uses }: { id: string; uses: Uses | null }) {
  if (uses === null) return null;
  const use = uses.get(id);
  if (!use) return <small>never used</small>;
  return (
    <small>
      last used <Time at={use.lastDecidedAt} /> · {use.decided}{" "}
      {use.decided === 1 ? "time" : "times"}
    </small>
  );
}

/** What the list counts as a use: an appliance judges by itself and tells Central of no use. */
export function WhatIsAUse({ uses }: { uses: Uses | null }) {
  if (uses === null) return null;
  return (
    <p className={classes.note}>
      A use is a decision that was asked of Central and counted. What appliances decide by themselves
      is not among them.
    </p>
  );
}
