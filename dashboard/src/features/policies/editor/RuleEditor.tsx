/** One rule as a form, with what its changes would do beside it; saved with a reason. */
import { Button } from "@mantine/core";
import { type ReactNode, useRef, useState } from "react";
import { asProblem } from "@/api/problem";
import { AboutPart, MorePart } from "@/features/policies/editor/AboutPart";
import { ApprovalPart, LimitsPart } from "@/features/policies/editor/ApprovalPart";
import { ChangesPanel } from "@/features/policies/editor/ChangesPanel";
import { useDraft } from "@/features/policies/editor/draft";
import classes from "@/features/policies/editor/Editor.module.css";
import type { Form, Vocabulary } from "@/features/policies/editor/form";
import { LeaveGuard } from "@/features/policies/editor/LeaveGuard";
import { MergeDialog } from "@/features/policies/editor/MergeDialog";
import { OpenPart } from "@/features/policies/editor/OpenPart";
import { WhatPart } from "@/features/policies/editor/WhatPart";
import { WhenPart } from "@/features/policies/editor/WhenPart";
import { WherePart } from "@/features/policies/editor/WherePart";
import type { SiteName } from "@/features/policies/get-sites";
import type { Rule } from "@/features/policies/rule";
import { useSaveRule } from "@/features/policies/save-rule";
import { FormProblem } from "@/ui/FormProblem";
import { ReasonDialog } from "@/ui/ReasonDialog";

interface Props {
  initial: Rule;
  /** The rule in force now; null where there is none, undefined for a new rule. */
  live: Rule | null | undefined;
  vocabulary: Vocabulary;
  sites: SiteName[];
  canWrite: boolean;
  /** What stands under the draft's panel: the simulator, tried with this draft. */
  tryIt: (draft: Rule | null) => ReactNode;
  onSaved: (rule: Rule) => void;
}

const STALE = 412;
const EXISTS = 409;

export function RuleEditor(props: Props) {
  const { initial, live, vocabulary, sites, canWrite } = props;
  const save = useSaveRule();
  const refusal = save.error ? asProblem(save.error) : null;
  const draft = useDraft(initial, refusal?.status === 422 ? refusal.errors : []);
  const [isAsking, setAsking] = useState(false);
  const [isMerging, setMerging] = useState(false);
  const [isSaved, setSaved] = useState(false);
  const isDone = useRef(false);
  const seen = draft.base.revision ?? null;
  const isNew = seen === null;
  const isStale = !isNew && live !== null && live !== undefined && live.revision !== seen && !isSaved;
  const isGone = !isNew && live === null && !isSaved;
  const change: Form["change"] = (next) => {
    if (save.error) save.reset();
    draft.change(next);
  };
  const set: Form["set"] = (path, value) => {
    if (save.error) save.reset();
    draft.set(path, value);
  };
  const form: Form = { draft: draft.rule, problems: draft.problems, vocabulary, sites, set, change };
  const ask = () => {
    if (draft.attempt()) return;
    if (isStale) setMerging(true);
    else setAsking(true);
  };
  const send = (reason: string) =>
    save.mutate(
      { rule: draft.rule, seen: isGone ? null : seen, reason },
      {
        onSuccess: () => {
          isDone.current = true;
          setSaved(true);
          props.onSaved(draft.rule);
        },
        onError: (error) => {
          setAsking(false);
          if (asProblem(error).status === STALE) setMerging(true);
        },
      },
    );
  return (
    <div className={classes.columns}>
      <LeaveGuard isChanged={draft.isChanged && !isSaved} isDone={isDone} />
      <form
        className={classes.form}
        aria-label="Rule"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          ask();
        }}
      >
        <Meanwhile isStale={isStale} isGone={isGone} onLook={() => setMerging(true)} />
        <fieldset disabled={!canWrite} className={classes.whole}>
          <AboutPart form={form} isNew={isNew} />
          <WhenPart form={form} />
          <WherePart form={form} />
          <WhatPart form={form} />
          <OpenPart form={form} />
          {draft.rule.effect !== "deny" && <ApprovalPart form={form} />}
          {draft.rule.effect !== "deny" && <LimitsPart form={form} />}
          <MorePart form={form} />
        </fieldset>
        {refusal && refusal.status !== STALE && refusal.status !== 422 && (
          <FormProblem error={refusal.status === EXISTS ? taken(draft.rule) : refusal} />
        )}
        <div className={classes.foot}>
          <p role="status">{standing(draft.isChanged, canWrite, draft.problems.all.length)}</p>
          <Button type="submit" size="md" disabled={!canWrite || !draft.isChanged}>
            {isNew || isGone ? "Make the rule…" : "Save…"}
          </Button>
        </div>
      </form>
      <aside className={classes.side} aria-label="What changes">
        <ChangesPanel draft={draft} sites={sites} canWrite={canWrite} />
        {props.tryIt(draft.checked)}
      </aside>
      <ReasonDialog
        isOpen={isAsking}
        title={isNew ? "Make this rule" : "Save this rule"}
        action={isNew ? "Make it" : "Save it"}
        isBusy={save.isPending}
        error={null}
        onSubmit={send}
        onClose={() => setAsking(false)}
      />
      {isMerging && live && (
        <MergeDialog
          base={draft.base}
          mine={draft.rule}
          theirs={live}
          onClose={() => setMerging(false)}
          onMerge={(merged) => {
            save.reset();
            draft.rebase(live, merged);
            setMerging(false);
          }}
        />
      )}
    </div>
  );
}

function Meanwhile(props: { isStale: boolean; isGone: boolean; onLook: () => void }) {
  if (props.isGone) {
    return (
      <p className={classes.notice} role="alert">
        Somebody deleted this rule meanwhile. What you see is still here; saving makes it anew.
      </p>
    );
  }
  if (!props.isStale) return null;
  return (
    <div className={classes.notice} role="alert">
      <span>Somebody else changed this rule meanwhile.</span>
      <Button variant="default" size="xs" onClick={props.onLook}>
        Look at both…
      </Button>
    </div>
  );
}

function taken({ id }: Rule): Error {
  return new Error(`There is a rule with the id ${id} already. Choose another id.`);
}

function standing(isChanged: boolean, canWrite: boolean, problems: number): string {
  if (!canWrite) return "You may read rules; managers and owners change them.";
  if (problems > 0) return "Some fields are not acceptable yet.";
  return isChanged ? "Not saved yet." : "No change to save.";
}
