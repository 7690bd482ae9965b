/** Fields that several parts of the form share: a titled part, a choice by name, a number. */
import { NumberInput, Select, TextInput } from "@mantine/core";
import { type ReactNode, useState } from "react";
import type { Form } from "@/features/policies/editor/form";
import classes from "@/features/policies/editor/Editor.module.css";

const CHOICES_SHOWN_MAX = 100;

export function Part(props: { title: string; hint?: string; children: ReactNode }) {
  return (
    <fieldset className={classes.part}>
      <legend>{props.title}</legend>
      {props.hint && <p className={classes.hint}>{props.hint}</p>}
      {props.children}
    </fieldset>
  );
}

interface Choice {
  value: string;
  label: string;
}

/** One of the named things; what is written there already, or typed, may also be one unknown. */
export function NamedSelect(props: {
  label: string;
  description?: ReactNode;
  choices: Choice[];
  value: string;
  error: string | null;
  isOpenEnded?: boolean;
  onChange: (value: string) => void;
}) {
  const [search, setSearch] = useState("");
  const { choices, value, isOpenEnded = false } = props;
  const known = choices.some((choice) => choice.value === value);
  const typed = search.trim();
  const isNew =
    isOpenEnded && typed !== "" && typed !== value && !choices.some(({ label }) => label === typed);
  const data = [
    ...choices,
    ...(known || value === "" ? [] : [{ value, label: value }]),
    ...(isNew && !choices.some((choice) => choice.value === typed)
      ? [{ value: typed, label: typed }]
      : []),
  ];
  return (
    <Select
      label={props.label}
      description={props.description}
      data={data}
      searchable
      allowDeselect={false}
      limit={CHOICES_SHOWN_MAX}
      nothingFoundMessage="None of that name"
      value={value === "" ? null : value}
      error={props.error}
      onSearchChange={setSearch}
      onChange={(wanted) => wanted !== null && props.onChange(wanted)}
    />
  );
}

/** A whole or broken number; empty takes the field away. */
export function NumberField(props: {
  form: Form;
  path: string;
  label: string;
  description?: string;
  value: number | null | undefined;
  suffix?: string;
  isWhole?: boolean;
}) {
  const { form, path, value, isWhole = true } = props;
  return (
    <NumberInput
      label={props.label}
      description={props.description}
      allowDecimal={!isWhole}
      suffix={props.suffix}
      clampBehavior="none"
      value={value ?? ""}
      error={form.problems.at(path)}
      onChange={(wanted) => {
        if (wanted === "") form.set(path, undefined);
        else if (Number.isFinite(Number(wanted))) form.set(path, Number(wanted));
      }}
    />
  );
}

export function TextField(props: {
  form: Form;
  path: string;
  label: string;
  description?: string;
  value: string | null | undefined;
  isReadOnly?: boolean;
}) {
  const { form, path } = props;
  return (
    <TextInput
      label={props.label}
      description={props.description}
      readOnly={props.isReadOnly}
      value={props.value ?? ""}
      error={form.problems.at(path)}
      onChange={(event) => form.set(path, event.currentTarget.value || undefined)}
    />
  );
}
