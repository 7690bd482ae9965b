/** A diff, coloured and marked with + and −, so that it reads without colour too. */
import classes from "@/ui/DiffView.module.css";
import { type DiffKind, diffWords, parseDiff } from "@/ui/diff";

const MARK: Record<DiffKind, string> = { file: "", hunk: "", added: "+", removed: "−", context: "" };

export function DiffView({ diff }: { diff: string }) {
  const lines = parseDiff(diff);
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls: keyboards need it
    <figure className={classes.diff} aria-label={`Change: ${diffWords(lines)}`} tabIndex={0}>
      <table>
        <tbody>
          {lines.map((line, index) => (
            <tr key={index} className={classes[line.kind]}>
              <td className={classes.number}>{line.before ?? ""}</td>
              <td className={classes.number}>{line.after ?? ""}</td>
              <td className={classes.mark}>{MARK[line.kind]}</td>
              <td className={classes.text}>{line.text}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}
