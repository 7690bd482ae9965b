/** One deed of a person's, and why: a dialog whose reason is kept with their name. */
import { Button, Modal, Textarea } from "@mantine/core";
import { type FormEvent, type ReactNode, useState } from "react";
import classes from "@/ui/Form.module.css";
import { FormProblem } from "@/ui/FormProblem";

const CHARACTERS_MAX = 1000;

interface Props {
  title: string;
  action: string;
  /** What the text is called; a reason where nothing else is said. */
  label?: string;
  /** As many as Central takes of this reason. */
  charactersMax?: number;
  isRequired?: boolean;
  /** False while something else of the form is still to be filled in. */
  isReady?: boolean;
  isGrave?: boolean;
  isBusy: boolean;
  error: unknown;
  children?: ReactNode;
  onSubmit: (reason: string) => void;
  onClose: () => void;
}

export function ReasonDialog({ isOpen, ...props }: Props & { isOpen: boolean }) {
  return (
    <Modal
      opened={isOpen}
      onClose={props.onClose}
      size="lg"
      title={props.title}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <ReasonForm {...props} />
    </Modal>
  );
}

function ReasonForm(props: Props) {
  const { isRequired = true, isReady = true, label = "Reason" } = props;
  const { charactersMax = CHARACTERS_MAX } = props;
  const [reason, setReason] = useState("");
  const isMissing = !isReady || (isRequired && reason.trim() === "");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!isMissing) props.onSubmit(reason.trim());
  };
  return (
    <form className={classes.form} onSubmit={submit}>
      {props.children}
      <Textarea
        label={isRequired ? label : `${label} (optional)`}
        description="Kept in the audit log with your name"
        required={isRequired}
        withAsterisk={false}
        data-autofocus
        autosize
        minRows={2}
        maxLength={charactersMax}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      <FormProblem error={props.error} />
      <div className={classes.foot}>
        <Button variant="default" size="md" onClick={props.onClose}>
          Cancel
        </Button>
        <Button
          type="submit"
          size="md"
          loading={props.isBusy}
          disabled={isMissing}
          data-grave={props.isGrave || undefined}
        >
          {props.action}
        </Button>
      </div>
    </form>
  );
}
