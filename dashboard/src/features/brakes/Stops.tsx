/** The versions of rules and runbooks that are stopped: why, and how a person releases one. */
import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import { FREEZE } from "@/api/permissions";
import { usePermission } from "@/api/session";
import type { Stop, StopPage } from "@/api/types";
import { useRelease } from "@/features/brakes/release-stop";
import { reach, subject } from "@/features/brakes/stop-words";
import classes from "@/features/brakes/Stops.module.css";
import { Deeds } from "@/ui/Card";
import { Panel } from "@/ui/Page";
import { ReasonDialog } from "@/ui/ReasonDialog";
import { Time } from "@/ui/Time";

/** Nothing where nothing is stopped, as nearly always. */
export function Stops({ page }: { page: StopPage }) {
  if (page.items.length === 0) return null;
  return (
    <Panel title="Stopped after failures">
      <ul className={classes.list}>
        {page.items.map((stop) => (
          <Item key={stop.id} stop={stop} />
        ))}
      </ul>
      {page.next_cursor !== null && (
        <p>
          There are more: <code>wardline brakes list</code> shows all of them.
        </p>
      )}
    </Panel>
  );
}

function Item({ stop }: { stop: Stop }) {
  return (
    <li className={classes.item} data-item>
      <div>
        <h3>{subject(stop)}</h3>
        <p>
          {stop.failed} of {stop.runs} runs failed or were undone. Nothing runs by it {reach(stop)}{" "}
          since <Time at={stop.stopped_at} />.
        </p>
        <Link
          to="/sites/$siteId/incidents/$incidentId"
          params={{ siteId: stop.incident_site_id, incidentId: stop.incident_id }}
        >
          The last one that went wrong
        </Link>
      </div>
      <ReleaseButton stop={stop} />
    </li>
  );
}

function ReleaseButton({ stop }: { stop: Stop }) {
  const [isOpen, dialog] = useDisclosure();
  const release = useRelease(stop);
  const mayRelease = usePermission(FREEZE);
  if (!mayRelease) return null;
  const close = () => {
    dialog.close();
    release.reset();
  };
  return (
    <Deeds>
      <Button size="md" variant="default" onClick={dialog.open}>
        Release…
      </Button>
      <ReasonDialog
        isOpen={isOpen}
        title={`Release ${subject(stop)}`}
        action="Release it"
        isBusy={release.isPending}
        error={release.error}
        onSubmit={(reason) => release.mutate(reason, { onSuccess: close })}
        onClose={close}
      >
        <p>
          Each appliance may run it again from its next check-in on. Say what went wrong and why
          that is over: what failed before is not counted again.
        </p>
      </ReasonDialog>
    </Deeds>
  );
}
