/** An incident in one plain sentence: the first thing its page says. */
import type { Incident } from "@/api/types";
import type { Decided, Story } from "@/features/incidents/story";
import { local } from "@/ui/time";
import { codeWords } from "@/ui/words";

export function headline(
  incident: Incident,
  story: Story,
  now: Date,
  isHostObserved: boolean,
): string {
  switch (incident.state) {
    case "healed":
      return `Repaired and measured again${at(incident.closed_at, now)}: ${sentence(story.after?.summary || "the second measurement passed")}${watched(incident, now)}`;
    case "stable":
      return `Repaired${at(incident.closed_at, now)}, and it lasted: ${sentence(story.after?.summary || "the check passed after the watch")}`;
    case "resolved":
      return `Passes again${at(incident.closed_at, now)}, without a repair of ours.`;
    case "observing":
      return `Nothing was changed: this ${isHostObserved ? "host is only observed" : "site is observing"}; ${would(story)}`;
    case "waiting":
      return waiting(story);
    case "failed":
      return failed(incident, story);
    case "escalated":
      return `This needs a person: ${sentence(because(story.decision) || incident.summary)}`;
    default:
      return open(incident, story, now);
  }
}

/** The end of a watch that is not over; one whose end has passed waits for its last measurement. */
function watched({ watched_until: until }: Incident, now: Date): string {
  if (!until) return "";
  const isOver = new Date(until) < now;
  return isOver
    ? ` Watched until ${local(new Date(until), now)}; no measurement since then shows that it lasted.`
    : ` Watched until ${local(new Date(until), now)}.`;
}

function open(incident: Incident, story: Story, now: Date): string {
  const recurred = story.decision === null && incident.heals[0];
  if (recurred && recurred.ended_at) {
    return `Open again${at(recurred.ended_at, now)}: the repair by ${recurred.runbook_id} did not last. ${sentence(incident.summary)}`;
  }
  if (story.decision?.verdict === "block") {
    return `Nothing was changed: the repair is blocked because ${codeWords(story.decision.code)}.`;
  }
  return `Open: ${sentence(incident.summary)}`;
}

function waiting(story: Story): string {
  const name = story.runbook?.id ?? "a repair";
  if (story.decision?.verdict === "ask") {
    const roles = story.decision.approverRoles.join(" or ");
    return `Waiting for an approval: ${name} may run once ${roles ? `the ${roles}` : "a person"} agrees.`;
  }
  if (story.decision?.verdict === "block") {
    return `Waiting: ${name} is blocked because ${codeWords(story.decision.code)}.`;
  }
  return `Waiting for a person: ${name} is offered, and runs only when someone starts it.`;
}

function failed(incident: Incident, story: Story): string {
  const name = story.runbook?.id ?? "The repair";
  if (story.steps.some((step) => step.isUndone)) {
    return `The repair failed and was undone: ${name} did not get through.`;
  }
  if (story.after) {
    return `The repair did not help: ${name} ran, but the second measurement still says: ${sentence(story.after.summary)}`;
  }
  return `The repair failed: ${sentence(incident.summary)}`;
}

function would(story: Story): string {
  const name = story.runbook?.id ?? "a repair";
  const answer = story.decision?.would;
  switch (answer?.verdict) {
    case "run":
      return `it would have run ${name}.`;
    case "ask":
      return `it would have asked for an approval to run ${name}.`;
    case "offer":
      return `it would have offered ${name} to a person.`;
    case "block":
      return `${name} would not have run either, because ${codeWords(answer.code)}.`;
    default:
      return "no repair is known for it.";
  }
}

function because(decision: Decided | null): string {
  return decision?.verdict === "block" ? codeWords(decision.code) : "";
}

function at(moment: string | null | undefined, now: Date): string {
  return moment ? ` at ${local(new Date(moment), now)}` : "";
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
