/** What is frozen, who obeys and who does not yet, and how it ends. */
import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { FREEZE } from "@/api/permissions";
import { usePermission } from "@/api/session";
import type { Freeze } from "@/api/types";
import classes from "@/features/freezes/FreezeBanner.module.css";
import { confirmedWords, title } from "@/features/freezes/freeze-words";
import { freezesQuery } from "@/features/freezes/get-freezes";
import { useLift } from "@/features/freezes/lift-freeze";
import { Icon } from "@/ui/icons";
import { ReasonDialog } from "@/ui/ReasonDialog";
import { MaybeTime, Time } from "@/ui/Time";

const SHOWN_MAX = 5;

/** On a site's page what stops that site; on the fleet's all that is frozen. */
export function FreezeBanners({ siteId }: { siteId?: string }) {
  const { data } = useQuery(freezesQuery(siteId));
  if (data === undefined || data.items.length === 0) return null;
  const more = data.items.length - SHOWN_MAX;
  return (
    <>
      {data.items.slice(0, SHOWN_MAX).map((freeze) => (
        <Banner key={freeze.id} freeze={freeze} isElsewhere={siteId === undefined} />
      ))}
      {more > 0 && (
        <p className={classes.more}>
          And {data.next_cursor === null ? more : `more than ${more}`} others are frozen; each
          site&apos;s page shows its own.
        </p>
      )}
    </>
  );
}

function Banner({ freeze, isElsewhere }: { freeze: Freeze; isElsewhere: boolean }) {
  return (
    <section className={classes.banner} aria-label={title(freeze)} data-reach={freeze.reach}>
      <header className={classes.head}>
        <h2>
          <Icon name="pause" size={16} />
          {isElsewhere && freeze.site_id ? (
            <Link to="/sites/$siteId" params={{ siteId: freeze.site_id }}>
              {title(freeze)}
            </Link>
          ) : (
            title(freeze)
          )}
        </h2>
        {freeze.reach !== "appliance" && <LiftButton freeze={freeze} />}
      </header>
      <p>
        Nothing is repaired since <Time at={freeze.frozen_at} />, by {freeze.frozen_by_name}:{" "}
        {freeze.reason}
      </p>
      {freeze.reach === "appliance" ? (
        <p className={classes.meta}>
          Set at the appliance itself. It is lifted there: <code>wardline agent unfreeze</code>
        </p>
      ) : (
        <Obeyed freeze={freeze} />
      )}
    </section>
  );
}

function Obeyed({ freeze }: { freeze: Freeze }) {
  const { waiting, total, confirmed } = freeze;
  const unnamed = total - confirmed - waiting.length;
  return (
    <>
      <p className={classes.count} role="status">
        {confirmedWords(freeze)}
      </p>
      {waiting.length > 0 && (
        <ul className={classes.waiting} aria-label="Not confirmed yet">
          {waiting.map((one) => (
            <li key={one.appliance_id}>
              {one.hostname}, {one.site_name}
              <span>
                {" "}
                · last heard <MaybeTime at={one.last_checkin} none="never" />
              </span>
            </li>
          ))}
          {unnamed > 0 && <li>and {unnamed} more</li>}
        </ul>
      )}
    </>
  );
}

function LiftButton({ freeze }: { freeze: Freeze }) {
  const [isOpen, dialog] = useDisclosure();
  const lift = useLift(freeze);
  const mayLift = usePermission(FREEZE);
  if (!mayLift) return null;
  const close = () => {
    dialog.close();
    lift.reset();
  };
  return (
    <>
      <Button variant="default" onClick={dialog.open}>
        Lift…
      </Button>
      <ReasonDialog
        isOpen={isOpen}
        title="Lift the freeze"
        action="Lift the freeze"
        isBusy={lift.isPending}
        error={lift.error}
        onSubmit={(reason) => lift.mutate(reason, { onSuccess: close })}
        onClose={close}
      >
        <p>
          Each appliance goes on from its next check-in, with what its policy lets run then. Say
          what was found, so that nobody freezes it again for the same.
        </p>
      </ReasonDialog>
    </>
  );
}
