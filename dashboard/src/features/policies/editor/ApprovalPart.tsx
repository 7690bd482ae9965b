/** Who has to consent before it runs, and how much may run at all. */
import { Checkbox, Select, Switch } from "@mantine/core";
import classes from "@/features/policies/editor/Editor.module.css";
import { NumberField, Part } from "@/features/policies/editor/fields";
import type { Form } from "@/features/policies/editor/form";
import { LIMITS } from "@/features/policies/words";

const NOBODY = "never";
const BYPASSES = [
  { value: NOBODY, label: "Never: approval is always asked" },
  { value: "medium", label: "From medium on" },
  { value: "high", label: "From high on" },
  { value: "critical", label: "When critical" },
];
const ROLE_WORDS: Record<string, string> = {
  admin: "Owners (admin)",
  manager: "Managers",
  reader: "Operators, readers, auditors (reader)",
};

export function ApprovalPart({ form }: { form: Form }) {
  const { draft, set } = form;
  const isRequired = draft.approval?.required === true;
  return (
    <Part title="Approval">
      <Switch
        label="Somebody has to approve it first"
        checked={isRequired}
        onChange={(event) => set("approval.required", event.currentTarget.checked)}
      />
      {isRequired && <ApprovalFields form={form} />}
    </Part>
  );
}

function ApprovalFields({ form }: { form: Form }) {
  const { draft, problems, vocabulary, set } = form;
  const approval = draft.approval ?? { required: true };
  const bypass = approval.bypassIfSeverity ?? NOBODY;
  const roles = [...new Set([...vocabulary.roles, ...(approval.roles ?? [])])];
  const isOther = !BYPASSES.some(({ value }) => value === bypass);
  return (
    <>
      <Checkbox.Group
        label="By"
        description="None chosen: by anybody who may approve"
        value={approval.roles ?? []}
        error={problems.at("approval.roles")}
        onChange={(wanted) => set("approval.roles", wanted.length > 0 ? wanted : undefined)}
      >
        <div className={classes.chips}>
          {roles.map((role) => (
            <Checkbox key={role} value={role} label={ROLE_WORDS[role] ?? role} />
          ))}
        </div>
      </Checkbox.Group>
      <div className={classes.pair}>
        <NumberField
          form={form}
          path="approval.quorum"
          label="How many have to"
          value={approval.quorum ?? 1}
        />
        <NumberField
          form={form}
          path="approval.expiresMinutes"
          label="It is good for"
          suffix=" minutes"
          value={approval.expiresMinutes}
        />
      </div>
      <Switch
        label="Who starts it may also approve it"
        checked={approval.selfApprove === true}
        onChange={(event) =>
          set("approval.selfApprove", event.currentTarget.checked || undefined)
        }
      />
      <Select
        label="Without approval"
        data={[...BYPASSES, ...(isOther ? [{ value: bypass, label: `From ${bypass} on` }] : [])]}
        allowDeselect={false}
        value={bypass}
        error={problems.at("approval.bypassIfSeverity")}
        onChange={(wanted) =>
          set("approval.bypassIfSeverity", wanted === NOBODY ? undefined : wanted)
        }
      />
    </>
  );
}

export function LimitsPart({ form }: { form: Form }) {
  const { draft } = form;
  const given = draft.limits ?? {};
  const keys = [...new Set([...Object.keys(LIMITS), ...Object.keys(given)])];
  return (
    <Part title="Limits" hint="Empty: no limit. Hours and days are rolling, not those of a calendar.">
      <div className={classes.pair}>
        {keys.map((key) => (
          <NumberField
            key={key}
            form={form}
            path={`limits.${key}`}
            label={LIMITS[key]?.label ?? key}
            value={given[key]}
            isWhole={LIMITS[key]?.unit === "runs"}
          />
        ))}
        <NumberField
          form={form}
          path="cooldownMinutes"
          label="Pause between two runs"
          suffix=" minutes"
          value={draft.cooldownMinutes}
        />
        <NumberField
          form={form}
          path="maxStaleMinutes"
          label="Asks once the rules are older than"
          suffix=" minutes"
          value={draft.maxStaleMinutes}
        />
      </div>
    </Part>
  );
}
