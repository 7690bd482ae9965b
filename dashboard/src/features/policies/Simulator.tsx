/** What would be decided about a finding, by the rules in force or by a draft; nothing happens. */
import { Button, Select, TagsInput, Textarea, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { NamedSelect } from "@/features/policies/editor/fields";
import type { Vocabulary } from "@/features/policies/editor/form";
import { HostSelect } from "@/features/policies/HostSelect";
import type { SiteName } from "@/features/policies/get-sites";
import { readMap } from "@/features/policies/inputs";
import type { Rule } from "@/features/policies/rule";
import { SimulatedView } from "@/features/policies/SimulatedView";
import classes from "@/features/policies/Simulator.module.css";
import { type Simulation, useSimulate } from "@/features/policies/simulate";
import { FormProblem } from "@/ui/FormProblem";

const SEVERITIES = ["low", "medium", "high", "critical", "ok", "warn", "crit"];

interface Props {
  vocabulary: Vocabulary;
  sites: SiteName[];
  /** What the fields begin with. */
  about: { kpiId?: string; severity?: string; site?: string; host?: string };
  /** Judged in the place of the rules in force; undefined for those. */
  drafts?: Rule[];
}

export function Simulator({ vocabulary, sites, about, drafts }: Props) {
  const [kpiId, setKpiId] = useState(about.kpiId ?? vocabulary.checks[0]?.id ?? "");
  const [severity, setSeverity] = useState(about.severity ?? "high");
  const [site, setSite] = useState(about.site ?? sites[0]?.id ?? "");
  const [host, setHost] = useState(about.host ?? "");
  const [at, setAt] = useState("");
  const [roles, setRoles] = useState<string[]>([]);
  const [facts, setFacts] = useState("");
  const simulate = useSimulate();
  const read = readMap(facts);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (read.map === null) return;
    const moment = new Date(at);
    const asked: Simulation = {
      alert: {
        id: "simulated",
        kpiId,
        title: vocabulary.checks.find(({ id }) => id === kpiId)?.title ?? kpiId,
        message: "",
        severity,
        facts: read.map,
      },
      roles,
      ...(site ? { site } : {}),
      ...(host ? { host } : {}),
      ...(Number.isNaN(moment.getTime()) ? {} : { at: moment.toISOString() }),
      // Rules about other checks have no say in it, and thousands of them would not fit.
      ...(drafts ? { rules: drafts.filter(({ when }) => when.kpiId === kpiId) } : {}),
    };
    simulate.mutate(asked);
  };
  return (
    <>
      <form className={classes.form} aria-label="What to try" onSubmit={submit}>
        <NamedSelect
          label="Check that fails"
          choices={vocabulary.checks.map(({ id, title }) => ({ value: id, label: title }))}
          value={kpiId}
          error={null}
          isOpenEnded
          onChange={setKpiId}
        />
        <Select
          label="Severity"
          data={SEVERITIES}
          allowDeselect={false}
          value={severity}
          onChange={(wanted) => setSeverity(wanted ?? severity)}
        />
        <NamedSelect
          label="Site"
          choices={sites.map(({ id, name }) => ({ value: id, label: name }))}
          value={site}
          error={null}
          onChange={(wanted) => {
            setSite(wanted);
            setHost("");
          }}
        />
        <HostSelect site={site} host={host} onChange={setHost} />
        <TextInput
          type="datetime-local"
          label="At"
          description="On your own clock; empty: now"
          value={at}
          onChange={(event) => setAt(event.currentTarget.value)}
        />
        <TagsInput
          label="Roles of who asks"
          description="They count where people may approve what they start"
          data={vocabulary.roles}
          value={roles}
          onChange={setRoles}
        />
        <Textarea
          className={classes.facts}
          label="What was measured (facts in JSON)"
          autosize
          minRows={1}
          spellCheck={false}
          placeholder='{"paths": ["/etc/shadow"]}'
          value={facts}
          error={read.map === null ? read.fault : null}
          onChange={(event) => setFacts(event.currentTarget.value)}
        />
        <div className={classes.foot}>
          <Button type="submit" loading={simulate.isPending} disabled={read.map === null}>
            Try it
          </Button>
        </div>
      </form>
      <FormProblem error={simulate.error} />
      {simulate.data && <SimulatedView simulated={simulate.data} isDraft={drafts !== undefined} />}
    </>
  );
}
