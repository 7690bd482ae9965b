/** What happened, from top to bottom: measured, decided, run, measured again, sealed. */
import type { Incident } from "@/api/types";
import { Bundles } from "@/features/incidents/Bundles";
import { DecisionTrace } from "@/features/incidents/DecisionTrace";
import { Heals } from "@/features/incidents/Heals";
import classes from "@/features/incidents/IncidentStory.module.css";
import { Measurement } from "@/features/incidents/Measurement";
import { StepList } from "@/features/incidents/StepList";
import type { Story } from "@/features/incidents/story";
import { Icon, type IconName } from "@/ui/icons";
import { Time } from "@/ui/Time";
import { OUTCOME, type Tone, VERDICT, wordFor } from "@/ui/words";

export function IncidentStory({ incident, story }: { incident: Incident; story: Story }) {
  const { before, decision, steps, after, runbook } = story;
  const isUndo = steps.length > 0 && steps.every((step) => step.type === "undo");
  const isDry = steps.length > 0 && steps.every((step) => step.isDryRun);
  return (
    <ol className={classes.story}>
      <Chapter title="What was measured" icon={icon(before.outcome)} tone={tone(before.outcome)} at={before.measuredAt}>
        <Measurement measured={before} />
      </Chapter>
      <Chapter
        title="The decision"
        icon="scale"
        tone={decision ? wordFor(VERDICT, decision.verdict).tone : "na"}
      >
        {decision ? (
          <DecisionTrace decision={decision} runbook={runbook} />
        ) : (
          <p className={classes.quiet}>Not decided yet.</p>
        )}
      </Chapter>
      <Chapter
        title={isUndo ? "What was undone" : isDry ? "What would have been run" : "What was run"}
        icon="mend"
        tone={isDry || steps.length === 0 ? "na" : "info"}
      >
        {steps.length > 0 ? (
          <StepList steps={steps} />
        ) : (
          <p className={classes.quiet}>Nothing was run, nothing was changed.</p>
        )}
      </Chapter>
      <Chapter
        title="What the second measurement said"
        icon={after ? icon(after.outcome) : "not_applicable"}
        tone={after ? tone(after.outcome) : "na"}
        at={after?.measuredAt}
      >
        {after ? (
          <Measurement measured={after} />
        ) : (
          <p className={classes.quiet}>There is none: it is made after a repair, by the same check.</p>
        )}
      </Chapter>
      <Chapter
        title="Whether it lasted"
        icon="eye"
        tone={incident.state === "stable" ? "pass" : incident.watched_until ? "info" : "na"}
      >
        <Heals heals={incident.heals} />
      </Chapter>
      <Chapter title="The evidence" icon="chain" tone="na">
        <Bundles siteId={incident.site_id} bundles={incident.bundles} />
      </Chapter>
    </ol>
  );
}

function Chapter(props: {
  title: string;
  icon: IconName;
  tone: Tone;
  at?: string | null;
  children: React.ReactNode;
}) {
  return (
    <li className={classes.chapter} data-tone={props.tone}>
      <span className={classes.mark}>
        <Icon name={props.icon} />
      </span>
      <section className={classes.body} aria-label={props.title}>
        <div className={classes.head}>
          <h2>{props.title}</h2>
          {props.at && <Time at={props.at} as="clock" />}
        </div>
        {props.children}
      </section>
    </li>
  );
}

function icon(outcome: string): IconName {
  return wordFor(OUTCOME, outcome).icon;
}

function tone(outcome: string): Tone {
  return wordFor(OUTCOME, outcome).tone;
}
