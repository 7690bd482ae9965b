/** The line to paste, and what happens after it was pasted. */
import { Button, Loader } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { EnrolmentToken, Site } from "@/api/types";
import { type Arrival, arrival } from "@/features/enrolment/arrival";
import { tokenKey, useCreateToken } from "@/features/enrolment/create-token";
import classes from "@/features/enrolment/EnrolPanel.module.css";
import { tokensQuery } from "@/features/enrolment/get-tokens";
import { Command } from "@/ui/Copy";
import { FormProblem } from "@/ui/FormProblem";
import { Icon } from "@/ui/icons";
import { OutcomeBar } from "@/ui/OutcomeBar";
import { counted } from "@/ui/score";
import { Time } from "@/ui/Time";

export function EnrolPanel({ site }: { site: Site }) {
  const kept = useQuery<EnrolmentToken>({ queryKey: tokenKey(site.id), enabled: false });
  const create = useCreateToken();
  const token = kept.data;
  const tokens = useQuery({ ...tokensQuery(site.id), enabled: token !== undefined });
  if (token === undefined) {
    return (
      <div className={classes.start}>
        <p>
          You get one line to paste on the machine that will be the appliance. It works once and
          for a limited time.
        </p>
        <FormProblem error={create.error} />
        <Button onClick={() => create.mutate(site.id)} loading={create.isPending}>
          Make the line
        </Button>
      </div>
    );
  }
  const state = arrival(token, tokens.data, site);
  return (
    <ol className={classes.steps}>
      <PasteStep token={token} isDone={state.step !== "waiting"} />
      <ArrivalStep site={site} state={state} />
      <FoundStep site={site} state={state} />
    </ol>
  );
}

function PasteStep({ token, isDone }: { token: EnrolmentToken; isDone: boolean }) {
  return (
    <Step isDone={isDone} title="Paste this on the appliance">
      <Command text={token.command} label="Line to paste" />
      <p className={classes.small}>
        Works once; expires <Time at={token.expires_at} />. It carries the fingerprint of this
        server&apos;s keys, so the agent talks to no other: <code>{token.fingerprint.slice(0, 16)}…</code>
      </p>
    </Step>
  );
}

function ArrivalStep({ site, state }: { site: Site; state: Arrival }) {
  if (state.step === "waiting") {
    return (
      <Step title="Waiting for it to enrol" isLive>
        <p className={classes.small}>This page notices by itself.</p>
      </Step>
    );
  }
  const appliance = site.appliance_list.find(({ id }) => id === state.applianceId);
  return (
    <Step isDone title={`${appliance?.hostname ?? "The appliance"} arrived`}>
      <p className={classes.small}>
        {site.host_list.length > 0
          ? `It looks after ${counted(site.host_list.length, "host")}: ${site.host_list
              .map(({ name }) => name)
              .join(", ")}.`
          : "It has not named its hosts yet."}
      </p>
    </Step>
  );
}

function FoundStep({ site, state }: { site: Site; state: Arrival }) {
  if (state.step !== "measured") {
    return <Step title="First results" isLive={state.step === "arrived"} />;
  }
  return (
    <Step isDone title="First results are in">
      <OutcomeBar results={site.results} />
      <p className={classes.small}>
        {site.open_incidents > 0
          ? `${counted(site.open_incidents, "incident")} opened. The site is ${
              site.healing === "heal" ? "healing" : "observing: nothing is changed until you say so"
            }.`
          : "No incident was opened."}
      </p>
      <Link to="/sites/$siteId" params={{ siteId: site.id }} className={classes.go}>
        Open {site.name} <Icon name="forward" size={13} />
      </Link>
    </Step>
  );
}

function Step(props: {
  title: string;
  isDone?: boolean;
  isLive?: boolean;
  children?: React.ReactNode;
}) {
  return (
    <li className={classes.step} data-done={props.isDone || undefined}>
      <span className={classes.mark} aria-hidden="true">
        {props.isDone ? <Icon name="pass" /> : props.isLive ? <Loader size={16} /> : null}
      </span>
      <div className={classes.stepBody} aria-live="polite">
        <h3>{props.title}</h3>
        {props.children}
      </div>
    </li>
  );
}
