/** What follows: run a runbook with its inputs, by itself or offered, or forbid it. */
import { SegmentedControl, Select, Textarea, TextInput } from "@mantine/core";
import { useState } from "react";
import classes from "@/features/policies/editor/Editor.module.css";
import { NamedSelect, Part } from "@/features/policies/editor/fields";
import type { Form } from "@/features/policies/editor/form";
import { inputText, readInput, readMap } from "@/features/policies/inputs";
import { ANY_ACTION, type Rule, without } from "@/features/policies/rule";
import { capital } from "@/ui/words";

const EFFECTS = [
  { value: "allow", label: "Let it run" },
  { value: "deny", label: "Forbid it" },
];
const WAYS = [
  { value: "auto", label: "By itself" },
  { value: "suggest", label: "Suggested: a person starts it" },
  { value: "none", label: "Neither: only when another rule offers it" },
];
const JSON_INDENT = 2;

export function WhatPart({ form }: { form: Form }) {
  const { draft, problems, vocabulary, set, change } = form;
  const runbook = vocabulary.runbooks.find(({ id }) => id === draft.action);
  const isDeny = draft.effect === "deny";
  const choices = vocabulary.runbooks.map(({ id, title, risk, check }) => ({
    value: id,
    label: `${title} (${risk} risk)`,
    isNear: check === draft.when.kpiId,
  }));
  const sorted = choices.toSorted((one, other) => Number(other.isNear) - Number(one.isNear));
  return (
    <Part title="What">
      <SegmentedControl
        aria-label="Let it run or forbid it"
        data={EFFECTS}
        value={draft.effect ?? "allow"}
        onChange={(effect) => set("effect", effect === "deny" ? effect : undefined)}
      />
      <NamedSelect
        label="Runbook"
        description={runbook?.description}
        choices={[...sorted, { value: ANY_ACTION, label: "Any runbook" }]}
        value={draft.action}
        error={problems.at("action")}
        isOpenEnded
        onChange={(action) => set("action", action)}
      />
      {!isDeny && (
        <>
          <Select
            label="It starts"
            data={WAYS}
            allowDeselect={false}
            value={wayOf(draft)}
            onChange={(way) =>
              change((rule) => ({
                ...rule,
                autoExecute: way === "auto",
                autoSuggest: way !== "none",
              }))
            }
          />
          {Object.entries(runbook?.inputs ?? {}).map(([name, words]) => (
            <InputField key={`${draft.action} ${name}`} form={form} name={name} words={words} />
          ))}
          <MoreInputs key={draft.action} form={form} known={Object.keys(runbook?.inputs ?? {})} />
        </>
      )}
    </Part>
  );
}

function wayOf(rule: Rule): string {
  if (rule.autoExecute) return "auto";
  return rule.autoSuggest === false ? "none" : "suggest";
}

function InputField({ form, name, words }: { form: Form; name: string; words: string }) {
  const given = form.draft.params?.[name];
  const [text, setText] = useState(inputText(given));
  const write = (typed: string) => {
    setText(typed);
    form.change((rule) => withInput(rule, name, readInput(typed)));
  };
  return (
    <TextInput
      label={capital(name.replaceAll("_", " "))}
      description={`${words} Empty: what the check measured. A list: with commas between.`}
      value={text}
      error={form.problems.at(`params.${name}`)}
      onChange={(event) => write(event.currentTarget.value)}
    />
  );
}

function MoreInputs({ form, known }: { form: Form; known: string[] }) {
  const others = Object.entries(form.draft.params ?? {}).filter(([name]) => !known.includes(name));
  const [text, setText] = useState(
    others.length > 0 ? JSON.stringify(Object.fromEntries(others), null, JSON_INDENT) : "",
  );
  const { map, fault } = readMap(text);
  const write = (typed: string) => {
    setText(typed);
    const read = readMap(typed).map;
    if (read !== null) form.change((rule) => withOthers(rule, known, read));
  };
  return (
    <Textarea
      className={classes.code}
      label="Other parameters (JSON)"
      description={'Such as {"deltaPct": {"warn": 1, "crit": 3}}'}
      autosize
      minRows={1}
      spellCheck={false}
      value={text}
      error={map === null ? fault : form.problems.at("params")}
      onChange={(event) => write(event.currentTarget.value)}
    />
  );
}

function withInput(rule: Rule, name: string, value: unknown): Rule {
  const kept = Object.entries(rule.params ?? {}).filter(([other]) => other !== name);
  return withParams(rule, value === undefined ? kept : [...kept, [name, value]]);
}

function withOthers(rule: Rule, known: string[], others: Record<string, unknown>): Rule {
  const kept = Object.entries(rule.params ?? {}).filter(([name]) => known.includes(name));
  return withParams(rule, [...kept, ...Object.entries(others)]);
}

function withParams(rule: Rule, entries: [string, unknown][]): Rule {
  return entries.length > 0
    ? { ...rule, params: Object.fromEntries(entries) }
    : without(rule, ["params"]);
}
