/** /login: sign in, then go where one wanted to go. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { SignInForm } from "@/features/session/SignInForm";
import { Doorway } from "@/ui/Doorway";

export function SignInPage() {
  const navigate = useNavigate();
  const { to } = useSearch({ from: "/login" });
  return (
    <Doorway title="Sign in" lead="Clinics in compliance, and the proof of it.">
      <SignInForm onDone={() => void navigate({ href: to ?? "/", replace: true })} />
    </Doorway>
  );
}
