/** Accept what fails, as it is shown here, on the hosts that are picked. */
import { Button, Checkbox, Textarea, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import type { Acceptance, Observations } from "@/api/types";
import classes from "@/features/deviations/Deviations.module.css";
import { dayAfter, endOf, lastDay, proposed } from "@/features/deviations/until";
import { NAME_CHARACTERS_MAX, TEXT_CHARACTERS_MAX } from "@/features/deviations/limits";
import { SeverityMark } from "@/ui/Badge";
import { Meta } from "@/ui/Card";
import { Facts } from "@/ui/Facts";
import form from "@/ui/Form.module.css";
import { FormProblem } from "@/ui/FormProblem";
import { useNow } from "@/ui/now";


interface Props {
  observed: Observations;
  /** The host that one comes from: it is the first, and picked. */
  host?: string;
  isBusy: boolean;
  error: unknown;
  onSubmit: (wish: Acceptance) => void;
}

export function AcceptForm({ observed, host, isBusy, error, onSubmit }: Props) {
  const now = useNow();
  const [picked, setPicked] = useState<string[]>(host ? [host] : []);
  const [said, setSaid] = useState({ owner: "", reason: "", control: "", day: proposed(now) });
  const say = (part: Partial<typeof said>) => setSaid({ ...said, ...part });
  const isFirst = (one: Observations["items"][number]) => one.host_id === host;
  const items = [...observed.items].sort((one, other) => Number(isFirst(other)) - Number(isFirst(one)));
  const chosen = observed.items.filter(({ host_id }) => picked.includes(host_id));
  const until = endOf(said.day);
  const texts = [said.owner, said.reason, said.control];
  const isReady = chosen.length > 0 && until !== null && texts.every((text) => text.trim() !== "");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!isReady) return;
    onSubmit({
      check: observed.check,
      hosts: Object.fromEntries(chosen.map((one) => [one.host_id, one.facts_digest])),
      until,
      owner: said.owner.trim(),
      reason: said.reason.trim(),
      control: said.control.trim(),
    });
  };
  return (
    <form className={form.form} onSubmit={submit}>
      <Checkbox.Group
        label="Hosts"
        description="Exactly what is shown is accepted: whatever else fails there alarms"
        value={picked}
        onChange={setPicked}
      >
        <ul className={`${classes.hosts} ${classes.picked}`} aria-label="What fails">
          {items.map((one) => (
            <li key={one.host_id}>
              <Checkbox value={one.host_id} label={one.host_name ?? one.host_id} />
              <Meta>
                <SeverityMark severity={one.severity} /> {one.summary}
                {one.standing === "changed" && " (another state is accepted there)"}
                {one.standing === "accepted" && " (accepted already)"}
              </Meta>
              <details>
                <summary>All that is measured</summary>
                <Facts facts={one.facts} />
              </details>
            </li>
          ))}
        </ul>
        {observed.next_cursor !== null && (
          <p>
            It fails on more hosts: the first {observed.items.length} are shown, and so many can be
            accepted at once.
          </p>
        )}
      </Checkbox.Group>
      <TextInput
        label="Owner"
        description="Who answers for it"
        required
        withAsterisk={false}
        maxLength={NAME_CHARACTERS_MAX}
        value={said.owner}
        onChange={(event) => say({ owner: event.currentTarget.value })}
      />
      <Textarea
        label="Reason"
        description="Why it is lived with; kept with your name, and in the evidence"
        required
        withAsterisk={false}
        autosize
        minRows={2}
        maxLength={TEXT_CHARACTERS_MAX}
        value={said.reason}
        onChange={(event) => say({ reason: event.currentTarget.value })}
      />
      <Textarea
        label="Compensating control"
        description="What protects meanwhile"
        required
        withAsterisk={false}
        autosize
        minRows={2}
        maxLength={TEXT_CHARACTERS_MAX}
        value={said.control}
        onChange={(event) => say({ control: event.currentTarget.value })}
      />
      <TextInput
        type="date"
        label="Until the end of"
        required
        withAsterisk={false}
        min={dayAfter(now, 0)}
        max={lastDay(now)}
        value={said.day}
        onChange={(event) => say({ day: event.currentTarget.value })}
      />
      <FormProblem error={error} />
      <div className={form.foot}>
        <Button type="submit" loading={isBusy} disabled={!isReady}>
          Accept it
        </Button>
      </div>
    </form>
  );
}
