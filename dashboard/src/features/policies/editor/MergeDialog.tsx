/** Somebody else changed the rule meanwhile: what they did, what we did, and who is right per field. */
import { Button, Modal, Radio } from "@mantine/core";
import { useState } from "react";
import { merge, placed } from "@/features/policies/differ";
import classes from "@/features/policies/editor/MergeDialog.module.css";
import { FieldChanges } from "@/features/policies/FieldChanges";
import { pathWords, valueWords } from "@/features/policies/paths";
import type { Rule } from "@/features/policies/rule";
import { Time } from "@/ui/Time";

interface Props {
  base: Rule;
  mine: Rule;
  theirs: Rule;
  onMerge: (rule: Rule) => void;
  onClose: () => void;
}

type Side = "mine" | "theirs";

export function MergeDialog(props: Props) {
  const { base, mine, theirs, onMerge, onClose } = props;
  const { rule, conflicts, taken } = merge(base, mine, theirs);
  const [sides, setSides] = useState<Record<string, Side>>({});
  const isDecided = conflicts.every(({ path }) => sides[path] !== undefined);
  const finish = () =>
    onMerge(
      conflicts.reduce(
        (made, conflict) =>
          sides[conflict.path] === "mine" ? placed(made, conflict.path, conflict.mine) : made,
        rule,
      ),
    );
  return (
    <Modal
      opened
      onClose={onClose}
      size="xl"
      title="Somebody else changed this rule"
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <div className={classes.body}>
        <p>
          You began with revision {base.revision}; revision {theirs.revision} is in force
          {theirs.updatedBy && `, by ${theirs.updatedBy}`}
          {theirs.updatedAt && (
            <>
              {" "}
              (<Time at={theirs.updatedAt} />)
            </>
          )}
          . Nothing of yours is lost.
        </p>
        {taken.length > 0 && (
          <section>
            <h3>What they changed, and you did not</h3>
            <FieldChanges changes={taken} label="Taken from them" />
          </section>
        )}
        {conflicts.map(({ path, mine: ours, theirs: other }) => (
          <Radio.Group
            key={path}
            label={`${pathWords(path)}: both of you changed it`}
            value={sides[path] ?? ""}
            onChange={(side) => setSides({ ...sides, [path]: side as Side })}
          >
            <div className={classes.sides}>
              <Radio value="mine" label={`Yours: ${valueWords(ours)}`} />
              <Radio value="theirs" label={`Theirs: ${valueWords(other)}`} />
            </div>
          </Radio.Group>
        ))}
        {conflicts.length === 0 && <p>You changed other fields than they did: both stand.</p>}
        <div className={classes.foot}>
          <Button variant="default" size="md" onClick={onClose}>
            Not yet
          </Button>
          <Button size="md" disabled={!isDecided} onClick={finish}>
            Go on with both
          </Button>
        </div>
      </div>
    </Modal>
  );
}
