/** What the audit log is searched for; a search begins when it is sent. */
import { Button, TextInput } from "@mantine/core";
import { useState } from "react";
import { type AuditFilter, CHARACTERS_MAX } from "@/features/audit/filter";
import classes from "@/features/audit/Audit.module.css";
import { Icon } from "@/ui/icons";

const FIELDS: { name: keyof AuditFilter; label: string; hint?: string; type?: "date" }[] = [
  { name: "actor", label: "Who", hint: "E-mail address or id" },
  { name: "action", label: "Action", hint: "Such as site.healing" },
  { name: "subject", label: "Subject", hint: "Id of what it was done to" },
  { name: "site", label: "Site", hint: "Id of a site" },
  { name: "from", label: "From", type: "date" },
  { name: "to", label: "Until", type: "date" },
  { name: "text", label: "Words", hint: "In reason, before, after…" },
];

interface Props {
  filter: AuditFilter;
  onChange: (filter: AuditFilter) => void;
}

export function AuditTools({ filter, onChange }: Props) {
  // What comes by a link or a click in the table begins the form anew.
  return <Fields key={JSON.stringify(filter)} filter={filter} onChange={onChange} />;
}

function Fields({ filter, onChange }: Props) {
  const [draft, setDraft] = useState<AuditFilter>(filter);
  const hasFilter = Object.keys(filter).length > 0;
  return (
    <form
      className={classes.tools}
      role="search"
      aria-label="Audit log"
      onSubmit={(event) => {
        event.preventDefault();
        onChange(cleaned(draft));
      }}
    >
      {FIELDS.map(({ name, label, hint, type = "text" }) => (
        <TextInput
          key={name}
          size="xs"
          type={type}
          label={label}
          placeholder={hint}
          maxLength={type === "text" ? CHARACTERS_MAX : undefined}
          value={draft[name] ?? ""}
          onChange={(event) => setDraft({ ...draft, [name]: event.currentTarget.value })}
        />
      ))}
      <div className={classes.send}>
        <Button type="submit" size="xs" leftSection={<Icon name="eye" size={14} />}>
          Search
        </Button>
        {hasFilter && (
          <Button size="xs" variant="default" onClick={() => onChange({})}>
            Show all
          </Button>
        )}
      </div>
    </form>
  );
}

function cleaned(draft: AuditFilter): AuditFilter {
  const words = Object.entries(draft).map(([name, word]) => [name, String(word).trim()]);
  return Object.fromEntries(words.filter(([, word]) => word)) as AuditFilter;
}
