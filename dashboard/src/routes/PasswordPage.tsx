/** /password: a password of one's own; on the first visit nothing else opens before. */
import { useNavigate } from "@tanstack/react-router";
import { useMe } from "@/api/session";
import { PasswordForm } from "@/features/session/PasswordForm";
import { Doorway } from "@/ui/Doorway";

export function PasswordPage() {
  const navigate = useNavigate();
  const me = useMe();
  const isForced = me?.must_change_password ?? false;
  return (
    <Doorway
      title={isForced ? "Choose your password" : "Change your password"}
      lead={
        isForced
          ? "The one you signed in with works once. Everything else opens after this."
          : "Your other sessions end when it changes."
      }
    >
      <PasswordForm
        email={me?.user.email ?? ""}
        onDone={() => void navigate({ to: "/", replace: true })}
      />
    </Doorway>
  );
}
