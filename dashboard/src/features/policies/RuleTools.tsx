/** Search, the states that are shown, and the way to a new rule; what is chosen is in the URL. */
import { Button, Select, TextInput } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { RuleFilter } from "@/features/policies/filter";
import { RULE_STATE, RULE_STATES } from "@/features/policies/state";
import classes from "@/features/policies/RuleTools.module.css";
import { Icon } from "@/ui/icons";

const ALL = "all";
const CHOICES = [
  { value: ALL, label: "All states" },
  ...RULE_STATES.map((state) => ({ value: state, label: RULE_STATE[state].label })),
];
const SEARCH_CHARACTERS_MAX = 200;

interface Props {
  filter: RuleFilter;
  shown: number;
  total: number;
  canWrite: boolean;
  onChange: (filter: RuleFilter) => void;
}

export function RuleTools({ filter, shown, total, canWrite, onChange }: Props) {
  const [text, setText] = useState(filter.q ?? "");
  const search = (wanted: string) => {
    setText(wanted);
    onChange({ state: filter.state, q: wanted.trim() || undefined });
  };
  return (
    <div className={classes.tools} role="search" aria-label="Rules">
      <TextInput
        type="search"
        aria-label="Search the rules"
        placeholder="Check, runbook, site, name…"
        className={classes.search}
        maxLength={SEARCH_CHARACTERS_MAX}
        value={text}
        onChange={(event) => search(event.currentTarget.value)}
      />
      <Select
        w={150}
        aria-label="State of the rules"
        data={CHOICES}
        allowDeselect={false}
        value={filter.state ?? ALL}
        onChange={(value) =>
          onChange({ q: filter.q, state: RULE_STATES.find((state) => state === value) })
        }
      />
      <p role="status" className={classes.count}>
        {shown === total ? `${total} rules` : `${shown} of ${total} rules`}
      </p>
      <NewRule canWrite={canWrite} />
    </div>
  );
}

function NewRule({ canWrite }: { canWrite: boolean }) {
  const icon = <Icon name="plus" size={14} />;
  if (!canWrite) {
    return (
      <span className={classes.denied}>
        <Button disabled leftSection={icon} aria-describedby="why-no-rule">
          New rule
        </Button>
        <small id="why-no-rule">Only managers and owners change rules.</small>
      </span>
    );
  }
  return (
    <Button component={Link} to="/policy/rule" leftSection={icon}>
      New rule
    </Button>
  );
}
