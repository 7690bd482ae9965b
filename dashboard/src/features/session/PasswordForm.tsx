/** A new password: asked for after the one-time password, before anything else. */
import { Button, PasswordInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useChangePassword } from "@/features/session/change-password";
import { FormProblem } from "@/ui/FormProblem";
import classes from "@/ui/Form.module.css";

export const PASSWORD_CHARACTERS_MIN = 12;
const SHOW_OR_HIDE = { "aria-label": "Show or hide the password" };

export function PasswordForm({ email, onDone }: { email: string; onDone: () => void }) {
  const [current, setCurrent] = useState("");
  const [wanted, setWanted] = useState("");
  const [again, setAgain] = useState("");
  const change = useChangePassword();
  const isDifferent = again !== "" && again !== wanted;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (wanted !== again) return;
    change.mutate({ current, new: wanted }, { onSuccess: onDone });
  };
  return (
    <form className={classes.form} onSubmit={submit}>
      {/* For password managers: whose password this is. */}
      <input type="email" autoComplete="username" value={email} readOnly hidden />
      <PasswordInput
        label="Current password"
        description="The one-time password, if this is your first visit"
        autoComplete="current-password"
        required
        withAsterisk={false}
        autoFocus
        value={current}
        onChange={(event) => setCurrent(event.currentTarget.value)}
        visibilityToggleButtonProps={SHOW_OR_HIDE}
      />
      <PasswordInput
        label="New password"
        description={`At least ${PASSWORD_CHARACTERS_MIN} characters; a sentence works well`}
        autoComplete="new-password"
        required
        withAsterisk={false}
        minLength={PASSWORD_CHARACTERS_MIN}
        value={wanted}
        onChange={(event) => setWanted(event.currentTarget.value)}
        visibilityToggleButtonProps={SHOW_OR_HIDE}
      />
      <PasswordInput
        label="New password again"
        autoComplete="new-password"
        required
        withAsterisk={false}
        error={isDifferent && "The two do not match yet"}
        value={again}
        onChange={(event) => setAgain(event.currentTarget.value)}
        visibilityToggleButtonProps={SHOW_OR_HIDE}
      />
      <FormProblem error={change.error} />
      <Button type="submit" loading={change.isPending} disabled={isDifferent}>
        Change password
      </Button>
    </form>
  );
}
