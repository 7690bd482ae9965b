/** When the rule applies: a check, how grave its finding is, and what must be true of its facts. */
import { Checkbox, Textarea } from "@mantine/core";
import classes from "@/features/policies/editor/Editor.module.css";
import { NamedSelect, Part } from "@/features/policies/editor/fields";
import type { Form } from "@/features/policies/editor/form";
import { severityWords } from "@/features/policies/words";

const SEVERITIES = ["low", "medium", "high", "critical"];
/** The three words of the policy's contract, each of which meets several of the above. */
const COARSE: Record<string, string> = {
  ok: "ok (meets low)",
  warn: "warning (meets medium)",
  crit: "crit (meets high and critical)",
};

export function WhenPart({ form }: { form: Form }) {
  const { draft, problems, vocabulary, set } = form;
  const check = vocabulary.checks.find(({ id }) => id === draft.when.kpiId);
  return (
    <Part title="When">
      <NamedSelect
        label="This check fails"
        description={check?.evidence ?? "A check of Wardline, or the name of an alert of yours"}
        choices={vocabulary.checks.map(({ id, title }) => ({ value: id, label: title }))}
        value={draft.when.kpiId}
        error={problems.at("when.kpiId")}
        isOpenEnded
        onChange={(kpiId) => set("when.kpiId", kpiId)}
      />
      <SeverityField form={form} />
      <Textarea
        className={classes.code}
        label="And this is true of what was measured (a condition in CEL; may stay empty)"
        description="For example: facts.score < 70 && host.platform == 'linux'"
        autosize
        minRows={1}
        spellCheck={false}
        value={draft.when.condition ?? ""}
        error={problems.at("when.condition")}
        onChange={(event) => set("when.condition", event.currentTarget.value || undefined)}
      />
    </Part>
  );
}

function SeverityField({ form }: { form: Form }) {
  const { severity } = form.draft.when;
  const unlisted = severity.filter((word) => !SEVERITIES.includes(word));
  return (
    <Checkbox.Group
      label="With a severity of"
      value={severity}
      error={form.problems.at("when.severity")}
      onChange={(wanted) => form.set("when.severity", wanted)}
    >
      <div className={classes.chips}>
        {[...SEVERITIES, ...unlisted].map((word) => (
          <Checkbox key={word} value={word} label={COARSE[word] ?? severityWords([word])} />
        ))}
      </div>
    </Checkbox.Group>
  );
}
