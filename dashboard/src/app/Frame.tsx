/** The frame of every page behind the sign-in: who is here, the way around, the page. */
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useRouter } from "@tanstack/react-router";
import { useEffect } from "react";
import { useIsOnline } from "@/api/connection";
import { sessionQuery } from "@/api/session";
import type { Me } from "@/api/types";
import { AccountMenu } from "@/app/AccountMenu";
import classes from "@/app/Frame.module.css";
import { LiveSign } from "@/app/LiveSign";
import { Places } from "@/app/Places";
import { Shortcuts } from "@/app/Shortcuts";
import { useLive } from "@/realtime/live";
import { Mark } from "@/ui/Mark";
import { Loaded, Loading } from "@/ui/States";

export function Frame() {
  const session = useQuery(sessionQuery);
  return (
    <Loaded query={session} loading={<main className={classes.main}><Loading rows={3} /></main>}>
      {(me) => {
        if (me === null) return <ToSignIn />;
        if (me.must_change_password) return <ToPassword />;
        return <SignedIn me={me} />;
      }}
    </Loaded>
  );
}

function SignedIn({ me }: { me: Me }) {
  useLive();
  return (
    <>
      <a href="#content" className={classes.skip}>
        Skip to the content
      </a>
      <header className={classes.top}>
        <div className={classes.bar}>
          <Link to="/" className={classes.home} aria-label="Wardline, to the fleet">
            <Mark />
          </Link>
          <Places />
          <LiveSign />
          <AccountMenu me={me} />
        </div>
      </header>
      <Offline />
      <main id="content" className={classes.main} tabIndex={-1}>
        <Outlet />
      </main>
      <Shortcuts />
    </>
  );
}

/** Leaves for the sign-in once: the location moves on while this still stands. */
function ToSignIn() {
  const router = useRouter();
  useEffect(() => {
    const { href } = router.latestLocation;
    void router.navigate({ to: "/login", search: { to: href }, replace: true });
  }, [router]);
  return null;
}

function ToPassword() {
  const router = useRouter();
  useEffect(() => {
    void router.navigate({ to: "/password", replace: true });
  }, [router]);
  return null;
}

function Offline() {
  const isOnline = useIsOnline();
  return (
    <div role="status" aria-live="polite">
      {!isOnline && (
        <p className={classes.offline}>
          Wardline does not answer. This page shows what was last known, and tries again by itself.
        </p>
      )}
    </div>
  );
}
