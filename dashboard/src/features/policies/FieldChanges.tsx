/** What differs between two forms of a rule, field by field, marked so that it reads without colour. */
import type { FieldChange } from "@/features/policies/differ";
import classes from "@/features/policies/FieldChanges.module.css";
import { pathWords, valueWords } from "@/features/policies/paths";

export function FieldChanges({ changes, label }: { changes: FieldChange[]; label: string }) {
  return (
    <ul className={classes.changes} aria-label={label}>
      {changes.map(({ path, before, after }) => (
        <li key={path}>
          <b>{pathWords(path)}</b>
          {before !== undefined && (
            <del>
              <span aria-hidden="true">− </span>
              {valueWords(before)}
            </del>
          )}
          {after !== undefined && (
            <ins>
              <span aria-hidden="true">+ </span>
              {valueWords(after)}
            </ins>
          )}
        </li>
      ))}
    </ul>
  );
}
