/** What the draft would change: whether it is acceptable, what is found, the past, when it opens. */
import { Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { changes } from "@/features/policies/differ";
import type { Draft } from "@/features/policies/editor/draft";
import classes from "@/features/policies/editor/Editor.module.css";
import { FORM_PATHS } from "@/features/policies/editor/form";
import { FieldChanges } from "@/features/policies/FieldChanges";
import { FindingList } from "@/features/policies/FindingList";
import { previewQuery } from "@/features/policies/get-preview";
import type { SiteName } from "@/features/policies/get-sites";
import { OpeningStrip } from "@/features/policies/OpeningStrip";
import { Past, PastLoading } from "@/features/policies/Past";
import type { Rule } from "@/features/policies/rule";
import { Panel } from "@/ui/Page";

export function ChangesPanel(props: { draft: Draft; sites: SiteName[]; canWrite: boolean }) {
  const { draft, sites, canWrite } = props;
  const found = changes(draft.base, draft.rule);
  const isNew = draft.base.revision === undefined;
  const beside = draft.problems.beside(FORM_PATHS);
  return (
    <>
      <Panel title="What is found" note={draft.isChecking ? "Checking…" : undefined}>
        {beside.length > 0 && (
          <ul className={classes.error} role="alert">
            {beside.map(({ path, reason }) => (
              <li key={path + reason}>
                <code>{path}</code> {reason}
              </li>
            ))}
          </ul>
        )}
        <Findings draft={draft} />
      </Panel>
      {canWrite && (
        <Panel title="What it would have changed">
          <PastOfDraft draft={draft} />
        </Panel>
      )}
      <Panel title="When it is open">
        {draft.checked ? (
          <Openings rule={draft.checked} sites={sites} />
        ) : (
          <p className={classes.hint}>Shown once the rule is whole.</p>
        )}
      </Panel>
      <Panel title={isNew ? "What it says" : `What changes since revision ${draft.base.revision}`}>
        {found.length > 0 ? (
          <FieldChanges changes={found} label="Changed fields" />
        ) : (
          <p className={classes.hint}>Nothing is changed yet.</p>
        )}
      </Panel>
    </>
  );
}

function Findings({ draft }: { draft: Draft }) {
  const { problems, findings } = draft;
  if (problems.all.length > 0) {
    return (
      <p className={classes.error} role="status">
        {problems.all.length === 1 ? "One field is" : `${problems.all.length} fields are`} not
        acceptable as it stands.
      </p>
    );
  }
  if (!findings) return <p className={classes.hint}>Looked at once the rule is whole.</p>;
  if (findings.findings.length === 0) {
    return (
      <p className={classes.hint} role="status">
        Nothing: it does what it says, beside all other rules.
      </p>
    );
  }
  return <FindingList findings={findings.findings} more={findings.moreFindings} />;
}

function PastOfDraft({ draft }: { draft: Draft }) {
  if (!draft.isChanged) return <p className={classes.hint}>Shown once something is changed.</p>;
  // Whoever types on calls off what was asked of the draft before.
  if (draft.isChecking) return <PastLoading />;
  if (!draft.checked) return <p className={classes.hint}>Shown once the rule is whole.</p>;
  return <Past change={{ kind: "draft", rule: draft.checked }} />;
}

function Openings({ rule, sites }: { rule: Rule; sites: SiteName[] }) {
  const own = rule.scope?.site ?? null;
  const [chosen, setChosen] = useState<string | null>(null);
  const site = own ?? chosen ?? sites[0]?.id ?? null;
  const isAlways = !rule.window && !rule.openingHours;
  const preview = useQuery({ ...previewQuery(rule, site), enabled: !isAlways }).data;
  if (isAlways) return <p className={classes.hint}>Always: it names no times.</p>;
  return (
    <>
      {own === null && sites.length > 1 && (
        <Select
          size="xs"
          label="At"
          searchable
          allowDeselect={false}
          data={sites.map(({ id, name }) => ({ value: id, label: name }))}
          value={site}
          onChange={setChosen}
        />
      )}
      {preview && <OpeningStrip preview={preview} />}
    </>
  );
}
