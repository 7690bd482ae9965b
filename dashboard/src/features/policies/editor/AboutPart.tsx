/** What the rule is called, and whether it counts at all. */
import { Select, Switch, Textarea, TextInput } from "@mantine/core";
import { idFrom, put } from "@/features/policies/edit";
import classes from "@/features/policies/editor/Editor.module.css";
import { Part, TextField } from "@/features/policies/editor/fields";
import type { Form } from "@/features/policies/editor/form";

const MODES = [
  { value: "enforce", label: "Decides" },
  { value: "log_only", label: "Only logged: its verdict stands in the trace and changes nothing" },
];

export function AboutPart({ form, isNew }: { form: Form; isNew: boolean }) {
  const { draft, problems, set, change } = form;
  const rename = (name: string) =>
    change((rule) => {
      const named = put(rule, "name", name || undefined);
      const isOurs = isNew && rule.id === idFrom(rule.name ?? "");
      return isOurs ? { ...named, id: idFrom(name) } : named;
    });
  return (
    <Part title="The rule">
      <div className={classes.pair}>
        <TextInput
          label="Name"
          value={draft.name ?? ""}
          error={problems.at("name")}
          onChange={(event) => rename(event.currentTarget.value)}
        />
        <TextInput
          label="Id"
          description={isNew ? "Decisions name it; it never changes" : "It never changes"}
          inputWrapperOrder={["label", "input", "description", "error"]}
          readOnly={!isNew}
          value={draft.id}
          error={problems.at("id")}
          onChange={(event) => set("id", event.currentTarget.value)}
        />
      </div>
      <Textarea
        label="Why it is there"
        autosize
        minRows={2}
        value={draft.description ?? ""}
        error={problems.at("description")}
        onChange={(event) => set("description", event.currentTarget.value || undefined)}
      />
      <Switch
        label="Switched on"
        checked={draft.enabled !== false}
        onChange={(event) => set("enabled", event.currentTarget.checked ? undefined : false)}
      />
      <Select
        label="What its verdict does"
        data={MODES}
        allowDeselect={false}
        value={draft.mode ?? "enforce"}
        onChange={(mode) => set("mode", mode === "log_only" ? mode : undefined)}
      />
      <ExpiryField form={form} />
    </Part>
  );
}

const LOCAL_CHARACTERS = 16;

function ExpiryField({ form }: { form: Form }) {
  const given = form.draft.expiresAt;
  return (
    <TextInput
      type="datetime-local"
      label="Ends at"
      description="On your own clock; empty: it does not end"
      value={given ? localInput(given) : ""}
      error={form.problems.at("expiresAt")}
      onChange={(event) => {
        const at = new Date(event.currentTarget.value);
        form.set("expiresAt", Number.isNaN(at.getTime()) ? undefined : at.toISOString());
      }}
    />
  );
}

function localInput(at: string): string {
  const moment = new Date(at);
  const shifted = new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000);
  return Number.isNaN(moment.getTime()) ? "" : shifted.toISOString().slice(0, LOCAL_CHARACTERS);
}

export function MorePart({ form }: { form: Form }) {
  const { draft, set } = form;
  return (
    <Part
      title="Rank and floor"
      hint="Among rules that fit, one that forbids wins; then the one that reaches least far, then the higher priority."
    >
      <div className={classes.pair}>
        <TextField
          form={form}
          path="scope.platform"
          label="Only on the platform"
          description="linux covers linux/debian"
          value={draft.scope?.platform}
        />
        <PriorityField form={form} />
      </div>
      <Switch
        label="Floor: its times, limits and approval also bind narrower rules"
        checked={draft.floor === true}
        onChange={(event) => set("floor", event.currentTarget.checked || undefined)}
      />
    </Part>
  );
}

function PriorityField({ form }: { form: Form }) {
  return (
    <TextInput
      label="Priority"
      description="A higher number goes first"
      inputMode="numeric"
      value={String(form.draft.priority ?? 0)}
      error={form.problems.at("priority")}
      onChange={(event) => {
        const wanted = Number(event.currentTarget.value.replace(/[^-\d]/g, ""));
        if (Number.isFinite(wanted)) form.set("priority", wanted === 0 ? undefined : wanted);
      }}
    />
  );
}
