/** What the analysis found, as a list: what is the matter, in words, and because of which rules. */
import { Link } from "@tanstack/react-router";
import classes from "@/features/policies/editor/Editor.module.css";
import type { Finding } from "@/features/policies/get-findings";
import { Badge } from "@/ui/Badge";
import { capital, type Word } from "@/ui/words";

export function FindingList({ findings, more = 0 }: { findings: Finding[]; more?: number }) {
  return (
    <ul className={classes.findings} aria-label="Findings">
      {findings.map((finding) => (
        <li key={`${finding.ruleId} ${finding.code} ${finding.message}`}>
          <Badge word={wordOf(finding)} />
          <span>{finding.message}</span>
          {finding.otherRuleIds.length > 0 && (
            <span>
              {finding.otherRuleIds.map((id) => (
                <span key={id}>
                  <Link to="/policy/rule" search={{ id }}>
                    {id}
                  </Link>{" "}
                </span>
              ))}
            </span>
          )}
        </li>
      ))}
      {more > 0 && <li>and {more} more</li>}
    </ul>
  );
}

function wordOf({ code, level }: Finding): Word {
  const label = capital(code.replaceAll("_", " "));
  return level === "warning"
    ? { label, tone: "fail", icon: "fail" }
    : { label, tone: "info", icon: "eye" };
}
