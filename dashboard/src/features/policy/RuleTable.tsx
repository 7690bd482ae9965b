/** The rules in force, read only. */
import { approvalWords, effectWords, type Rule, windowWords } from "@/features/policy/rule";
import classes from "@/features/policy/RuleTable.module.css";
import { Row, Table } from "@/ui/Table";

const COLUMNS = ["Rule", "When", "Action", "Effect", "Window", "Approval", "Enabled", "Revision"];

export function RuleTable({ rules }: { rules: Rule[] }) {
  return (
    <Table label="Policy rules" columns={COLUMNS}>
      {rules.map((rule) => (
        <Row
          key={rule.id}
          columns={COLUMNS}
          cells={[
            <div key="rule" className={classes.rule}>
              <b>{rule.name || rule.id}</b>
              {rule.name && <code>{rule.id}</code>}
              {rule.description && <small>{rule.description}</small>}
            </div>,
            <div key="when">
              <code>{rule.when.kpiId}</code>
              <br />
              {rule.when.severity.join(", ")}
            </div>,
            <code key="action">{rule.action}</code>,
            effectWords(rule),
            windowWords(rule),
            approvalWords(rule),
            rule.enabled === false ? "no" : "yes",
            rule.revision ?? "—",
          ]}
        />
      ))}
    </Table>
  );
}
