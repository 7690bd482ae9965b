/** What differs between two forms of a rule, by field, and how two people's changes go together. */
import { type Rule, without, withoutStamp } from "@/features/policies/rule";

export interface FieldChange {
  path: string;
  before: unknown;
  after: unknown;
}

type Leaves = Map<string, unknown>;

/** What a rule has where it says nothing: an author who leaves it out changes nothing. */
const DEFAULTS: Record<string, unknown> = {
  autoExecute: false,
  autoSuggest: true,
  enabled: true,
  priority: 0,
  effect: "allow",
  floor: false,
  mode: "enforce",
  "approval.selfApprove": false,
  "approval.quorum": 1,
};

/** The fields that are not the same, by path; undefined where a field is not there. */
export function changes(before: Rule, after: Rule): FieldChange[] {
  const one = leaves(before);
  const other = leaves(after);
  return [...new Set([...one.keys(), ...other.keys()])]
    .filter((path) => !isSame(one.get(path), other.get(path)))
    .map((path) => ({ path, before: one.get(path), after: other.get(path) }));
}

export interface Merge {
  /** Theirs, with what only we changed put over it. */
  rule: Rule;
  /** Fields that both changed, to different values: theirs stands until a person says otherwise. */
  conflicts: { path: string; base: unknown; mine: unknown; theirs: unknown }[];
  /** Fields that only they changed. */
  taken: FieldChange[];
}

/** Three-way: what both began with, what we made of it, what is in force by now. */
export function merge(base: Rule, mine: Rule, theirs: Rule): Merge {
  const ours = changes(base, mine);
  const others = new Map(changes(base, theirs).map((change) => [change.path, change]));
  const conflicts: Merge["conflicts"] = [];
  let rule = theirs;
  for (const { path, before, after } of ours) {
    const rival = [...others.values()].find((change) => overlaps(change.path, path));
    if (!rival) rule = placed(rule, path, after);
    else if (rival.path !== path || !isSame(rival.after, after)) {
      conflicts.push({ path, base: before, mine: after, theirs: leaves(theirs).get(path) });
    }
  }
  const contested = new Set(conflicts.map(({ path }) => path));
  const taken = [...others.values()].filter(({ path }) => !contested.has(path));
  return { rule, conflicts, taken };
}

/** The rule with a value at a path of `changes`, whose steps are joined by dots. */
export function placed(rule: Rule, path: string, value: unknown): Rule {
  return placedIn(rule as unknown as Record<string, unknown>, split(path), value) as unknown as Rule;
}

type Node = Record<string, unknown>;

function placedIn(node: Node, [name = "", ...rest]: string[], value: unknown): Node {
  const held = node[name];
  const next = rest.length > 0 ? placedIn(isMap(held) ? held : {}, rest, value) : value;
  const isGone = next === undefined || (rest.length > 0 && Object.keys(next as Node).length === 0);
  return isGone ? without(node, [name]) : { ...node, [name]: next };
}

function leaves(rule: Rule): Leaves {
  const found: Leaves = new Map();
  collect(found, "", withoutStamp(rule) as unknown as Record<string, unknown>);
  return found;
}

function collect(found: Leaves, at: string, node: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(node)) {
    const key = name.replaceAll("\\", "\\\\").replaceAll(".", "\\.");
    const path = at ? `${at}.${key}` : key;
    // Parameters may hold anything, and half a window is none: each of these is compared whole.
    if (isMap(value) && at !== "params" && path !== "window") collect(found, path, value);
    else if (value !== null && !isSame(value, DEFAULTS[path])) found.set(path, value);
  }
}

function split(path: string): string[] {
  return (path.match(/(?:\\.|[^.\\])+/g) ?? []).map((step) => step.replace(/\\(.)/g, "$1"));
}

function overlaps(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}.`) || other.startsWith(`${one}.`);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSame(one: unknown, other: unknown): boolean {
  return canonical(one) === canonical(other);
}

function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_, inner: unknown) =>
    isMap(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

