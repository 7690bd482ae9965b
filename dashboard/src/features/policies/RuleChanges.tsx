/** What differs between two revisions: each rule, and each of its fields. */
import { useQuery } from "@tanstack/react-query";
import { changes } from "@/features/policies/differ";
import { FieldChanges } from "@/features/policies/FieldChanges";
import { differenceQuery, type RuleChange } from "@/features/policies/get-difference";
import classes from "@/features/policies/History.module.css";
import { Badge } from "@/ui/Badge";
import { Loaded } from "@/ui/States";
import type { Word } from "@/ui/words";

const KINDS: Record<RuleChange["change"], Word> = {
  added: { label: "Added", tone: "pass", icon: "plus" },
  changed: { label: "Changed", tone: "info", icon: "mend" },
  removed: { label: "Removed", tone: "fail", icon: "fail" },
};
const NOTHING = { id: "", when: { kpiId: "", severity: [] }, action: "" };

export function RuleChanges({ from, to }: { from: number; to: number }) {
  const query = useQuery(differenceQuery(from, to));
  return (
    <Loaded query={query}>
      {(difference) => (
        <ul className={classes.rules} aria-label={`From revision ${from} to revision ${to}`}>
          {difference.changes.map((change) => (
            <li key={change.id}>
              <p>
                <Badge word={KINDS[change.change]} quiet /> <code>{change.id}</code>
              </p>
              <FieldChanges changes={fieldsOf(change)} label={`Fields of ${change.id}`} />
            </li>
          ))}
          {difference.changes.length === 0 && <li>The rules are the same in both.</li>}
          {difference.next !== null && <li>and more rules than are shown here</li>}
        </ul>
      )}
    </Loaded>
  );
}

function fieldsOf({ fields, before, after }: RuleChange) {
  if (fields) return fields.map((each) => ({ ...each, path: each.path.replace(/^\$\.?/, "") }));
  return changes(before ?? NOTHING, after ?? NOTHING);
}
