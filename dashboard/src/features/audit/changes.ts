/** What a deed changed: the paths at which before and after differ, in their words. */

export interface Change {
  path: string;
  before: string | null;
  after: string | null;
}

type State = Record<string, unknown> | null;

/** Every path that either side has a value at, those that differ first. */
export function changes(before: State, after: State): Change[] {
  const [was, is] = [leaves(before), leaves(after)];
  const paths = [...new Set([...was.keys(), ...is.keys()])];
  const rows = paths.map((path) => ({
    path,
    before: was.get(path) ?? null,
    after: is.get(path) ?? null,
  }));
  return [...rows.filter(differs), ...rows.filter((row) => !differs(row))];
}

export function differs({ before, after }: Change): boolean {
  return before !== after;
}

function leaves(state: State): Map<string, string> {
  const found = new Map<string, string>();
  if (state !== null) walk(state, "", found);
  return found;
}

function walk(value: unknown, path: string, found: Map<string, string>): void {
  if (typeof value !== "object" || value === null || Object.keys(value).length === 0) {
    found.set(path, typeof value === "string" ? value : JSON.stringify(value));
    return;
  }
  for (const [key, item] of Object.entries(value)) walk(item, path ? `${path}.${key}` : key, found);
}
