/** A unified diff as lines with their kind and their numbers on both sides. */

export type DiffKind = "file" | "hunk" | "added" | "removed" | "context";

export interface DiffLine {
  kind: DiffKind;
  text: string;
  before: number | null;
  after: number | null;
}

const HUNK = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/;

export function parseDiff(diff: string): DiffLine[] {
  const lines: DiffLine[] = [];
  let before = 0;
  let after = 0;
  let isInHunk = false;
  for (const raw of diff.replace(/\n$/, "").split("\n")) {
    const hunk = HUNK.exec(raw);
    if (hunk) {
      before = Number(hunk[1]);
      after = Number(hunk[2]);
      isInHunk = true;
      lines.push({ kind: "hunk", text: raw, before: null, after: null });
    } else if (!isInHunk) {
      lines.push(beforeHunks(raw));
    } else if (raw.startsWith("\\")) {
      lines.push({ kind: "file", text: raw, before: null, after: null });
    } else if (raw.startsWith("+")) {
      lines.push({ kind: "added", text: raw.slice(1), before: null, after: after++ });
    } else if (raw.startsWith("-")) {
      lines.push({ kind: "removed", text: raw.slice(1), before: before++, after: null });
    } else {
      lines.push({ kind: "context", text: raw.slice(1), before: before++, after: after++ });
    }
  }
  return lines;
}

/** A change of mode or owner has no hunk and no line numbers: "-0666 0:0", "+0600 0:0". */
function beforeHunks(raw: string): DiffLine {
  const none = { before: null, after: null };
  if (/^(---|\+\+\+) /.test(raw) || !/^[-+]/.test(raw)) return { kind: "file", text: raw, ...none };
  return { kind: raw.startsWith("+") ? "added" : "removed", text: raw.slice(1), ...none };
}

/** "1 line added, 1 removed" */
export function diffWords(lines: DiffLine[]): string {
  const added = lines.filter((line) => line.kind === "added").length;
  const removed = lines.filter((line) => line.kind === "removed").length;
  return `${added} ${added === 1 ? "line" : "lines"} added, ${removed} removed`;
}
