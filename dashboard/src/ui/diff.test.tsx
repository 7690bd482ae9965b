import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { diffWords, parseDiff } from "@/ui/diff";
import { DiffView } from "@/ui/DiffView";

const DIFF = `--- /etc/ssh/sshd_config
+++ /etc/ssh/sshd_config
@@ -30,4 +30,4 @@
 #LoginGraceTime 2m
-PermitRootLogin yes
+PermitRootLogin no
 #StrictModes yes
\\ No newline at end of file
`;

test("lines are numbered on both sides", () => {
  const lines = parseDiff(DIFF);
  expect(lines.filter((line) => line.kind === "removed")).toEqual([
    { kind: "removed", text: "PermitRootLogin yes", before: 31, after: null },
  ]);
  expect(lines.filter((line) => line.kind === "added")).toEqual([
    { kind: "added", text: "PermitRootLogin no", before: null, after: 31 },
  ]);
  expect(lines.filter((line) => line.kind === "context").map((line) => line.after)).toEqual([30, 32]);
});

test("a removed line that begins with dashes is not taken for a file name", () => {
  const [, , , removed] = parseDiff("--- a\n+++ b\n@@ -1 +0,0 @@\n--- old\n");
  expect(removed).toEqual({ kind: "removed", text: "-- old", before: 1, after: null });
});

test("a change of mode has no hunk and is a change all the same", () => {
  const lines = parseDiff("--- /etc/crontab\n+++ /etc/crontab\n-0666 0:0\n+0600 0:0\n");
  expect(lines.map((line) => line.kind)).toEqual(["file", "file", "removed", "added"]);
  expect(lines.at(-1)?.text).toBe("0600 0:0");
});

test("a diff reads without colour", () => {
  render(<DiffView diff={DIFF} />);
  const figure = screen.getByRole("figure", { name: "Change: 1 line added, 1 removed" });
  const added = [...figure.querySelectorAll("tr")].find((row) => row.className === "added");
  expect(added?.textContent).toBe("31+PermitRootLogin no");
  expect(diffWords([])).toBe("0 lines added, 0 removed");
});

test("markup in a diff stays text", () => {
  render(<DiffView diff={"@@ -0,0 +1 @@\n+<img src=x onerror=alert(1)>\n"} />);
  expect(screen.getByText("<img src=x onerror=alert(1)>")).toBeTruthy();
  expect(document.querySelector("img")).toBeNull();
});
