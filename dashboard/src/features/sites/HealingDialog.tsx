/** The healing switch: what would have run, what the switch means, and the reason for it. */
import { Button, Modal, Textarea } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import type { Site, WouldRun } from "@/api/types";
import { wouldRunQuery } from "@/features/sites/get-would-run";
import classes from "@/features/sites/HealingDialog.module.css";
import { useSetHealing } from "@/features/sites/set-healing";
import { WouldRunList } from "@/features/sites/WouldRunList";
import formClasses from "@/ui/Form.module.css";
import { FormProblem } from "@/ui/FormProblem";
import { Loaded } from "@/ui/States";

const REASON_CHARACTERS_MAX = 1000;

interface Props {
  site: Site;
  isOpen: boolean;
  onClose: () => void;
}

export function HealingDialog({ site, isOpen, onClose }: Props) {
  const isHealing = site.healing === "heal";
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      size="xl"
      title={isHealing ? `Make ${site.name} observe` : `Let ${site.name} heal`}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      {isHealing ? <ObserveForm site={site} onClose={onClose} /> : <HealForm {...{ site, onClose }} />}
    </Modal>
  );
}

function HealForm({ site, onClose }: Omit<Props, "isOpen">) {
  const query = useQuery(wouldRunQuery(site.id));
  return (
    <div className={classes.body}>
      <p>
        From the next check-in on, the appliance of this site repairs what the policy lets run:
        low-risk runbooks by themselves, medium-risk ones after an approval, high-risk ones only
        when a person starts them. Every repair is measured again and sealed as evidence.
      </p>
      <Loaded query={query}>
        {({ items }) => (
          <>
            <div className={classes.list}>
              <h3>What would have run here</h3>
              <WouldRunList items={items} />
            </div>
            <ReasonForm site={site} wanted="heal" items={items} onClose={onClose} />
          </>
        )}
      </Loaded>
    </div>
  );
}

function ObserveForm({ site, onClose }: Omit<Props, "isOpen">) {
  return (
    <div className={classes.body}>
      <p>
        From the next check-in on, nothing is changed on the hosts of this site. Checks go on,
        incidents say what would have run.
      </p>
      <ReasonForm site={site} wanted="observe" items={[]} onClose={onClose} />
    </div>
  );
}

function ReasonForm(props: {
  site: Site;
  wanted: "heal" | "observe";
  items: WouldRun[];
  onClose: () => void;
}) {
  const [reason, setReason] = useState("");
  const setHealing = useSetHealing(props.site.id);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setHealing.mutate(
      {
        healing: props.wanted,
        reason: reason.trim(),
        incidents: props.items.map((item) => item.incident_id),
      },
      { onSuccess: props.onClose },
    );
  };
  return (
    <form className={formClasses.form} onSubmit={submit}>
      <Textarea
        label="Reason"
        description="Kept in the audit log with your name"
        required
        withAsterisk={false}
        data-autofocus
        autosize
        minRows={2}
        maxLength={REASON_CHARACTERS_MAX}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      <FormProblem error={setHealing.error} />
      <div className={formClasses.foot}>
        <Button variant="default" onClick={props.onClose}>
          Cancel
        </Button>
        <Button type="submit" loading={setHealing.isPending} disabled={reason.trim() === ""}>
          {props.wanted === "heal" ? "Let it heal" : "Make it observe"}
        </Button>
      </div>
    </form>
  );
}
