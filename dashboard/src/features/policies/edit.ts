/** Changes to a rule as it is on the wire, by path: whatever a form does not name stays as it was. */
import type { FieldError } from "@/api/problem";
import { type Rule, without } from "@/features/policies/rule";

type Path = string;
type Node = Record<string, unknown>;

/** The rule with the value at `path` ("approval.roles"); undefined takes the field away, and a map
 * that has nothing left with it. */
export function put(rule: Rule, path: Path, value: unknown): Rule {
  return putIn(rule as unknown as Node, path.split("."), value) as unknown as Rule;
}

function putIn(node: Node, [name, ...rest]: string[], value: unknown): Node {
  if (name === undefined) return node;
  if (rest.length === 0) {
    return value === undefined ? without(node, [name]) : { ...node, [name]: value };
  }
  const inner = putIn(asNode(node[name]), rest, value);
  return Object.keys(inner).length === 0 ? without(node, [name]) : { ...node, [name]: inner };
}

function asNode(value: unknown): Node {
  return typeof value === "object" && value !== null ? (value as Node) : {};
}

/** A rule's problems as the form shows them: `rules[0].when.severity[1]` is about `when.severity`. */
export class Problems {
  readonly all: FieldError[];

  constructor(errors: FieldError[]) {
    this.all = errors.map(({ path, reason }) => ({
      path: path.replace(/^rules\[\d+\]\.?|^rule\.?/, "") || "$",
      reason,
    }));
  }

  /** Why the field at a path, or a part of it, is refused; null where it is not. */
  at(path: string): string | null {
    const found = this.all.filter((error) => covers(path, error.path));
    return found.length > 0 ? found.map(({ reason }) => reason).join("; ") : null;
  }

  /** What is said of no field that the form has. */
  beside(paths: readonly string[]): FieldError[] {
    return this.all.filter((error) => !paths.some((path) => covers(path, error.path)));
  }
}

function covers(path: string, of: string): boolean {
  return of === path || of.startsWith(`${path}.`) || of.startsWith(`${path}[`);
}

/** An id from a name: "Night patches, Harbour" → "night-patches-harbour". */
export function idFrom(name: string): string {
  return name
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, "-")
    .replace(/^[-.]+|[-.]+$/g, "")
    .slice(0, 64);
}
