/** The parts of the policy, each with an address of its own. */
import { Link } from "@tanstack/react-router";
import { POLICY_ADMIN } from "@/api/permissions";
import { usePermission } from "@/api/session";
import classes from "@/routes/routes.module.css";

const PARTS = [
  { to: "/policy", label: "Rules" },
  { to: "/policy/try", label: "Try it" },
  { to: "/policy/history", label: "History" },
  { to: "/policy/backups", label: "Backups" },
] as const;

export function PolicyTabs() {
  const isAdmin = usePermission(POLICY_ADMIN);
  return (
    <nav className={classes.tabs} aria-label="Parts of the policy">
      {PARTS.filter(({ to }) => isAdmin || to !== "/policy/backups").map(({ to, label }) => (
        <Link key={to} to={to} activeOptions={{ exact: true, includeSearch: false }}>
          {label}
        </Link>
      ))}
    </nav>
  );
}
