/** A draft over the revision that its author has seen, and what the server says of it as it stands. */
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { asProblem, type FieldError } from "@/api/problem";
import { changes } from "@/features/policies/differ";
import { Problems, put } from "@/features/policies/edit";
import { missing } from "@/features/policies/editor/form";
import { draftFindingsQuery, type Findings } from "@/features/policies/get-findings";
import { type Rule, withoutStamp } from "@/features/policies/rule";

const SETTLE_MS = 350;

export interface Draft {
  rule: Rule;
  /** What the author began with: in force then, or an empty rule. */
  base: Rule;
  isChanged: boolean;
  problems: Problems;
  /** The draft as it was last sent to be checked, once it is whole and acceptable. */
  checked: Rule | null;
  findings: Findings | undefined;
  isChecking: boolean;
  change: (next: (rule: Rule) => Rule) => void;
  set: (path: string, value: unknown) => void;
  /** Goes on from another revision with another rule. */
  rebase: (base: Rule, rule: Rule) => void;
  /** Shows what is missing, as a save does; whether something is. */
  attempt: () => boolean;
}

export function useDraft(initial: Rule, refused: FieldError[]): Draft {
  const [base, setBase] = useState(initial);
  const [rule, setRule] = useState(initial);
  const [isAttempted, setAttempted] = useState(false);
  const [settled] = useDebouncedValue(rule, SETTLE_MS);
  const lacks = missing(rule);
  const sent = withoutStamp(settled);
  const query = useQuery({
    ...draftFindingsQuery(sent),
    enabled: missing(settled).length === 0,
  });
  const told = query.error && missing(settled).length === 0 ? asProblem(query.error).errors : [];
  const errors = [...(isAttempted ? lacks : []), ...told, ...refused];
  const key = JSON.stringify(errors);
  // eslint-disable-next-line react-hooks/exhaustive-deps -- `key` is what the errors say
  const problems = useMemo(() => new Problems(once(errors)), [key]);
  const isChanged = useMemo(() => changes(base, rule).length > 0, [base, rule]);
  return {
    rule,
    base,
    isChanged,
    problems,
    checked: query.isSuccess && lacks.length === 0 ? sent : null,
    findings: query.isSuccess ? query.data : undefined,
    isChecking: settled !== rule || query.isFetching,
    change: setRule,
    set: (path, value) => setRule((old) => put(old, path, value)),
    rebase: (seen, next) => {
      setBase(seen);
      setRule(next);
    },
    attempt: () => {
      setAttempted(true);
      return lacks.length > 0;
    },
  };
}

function once(errors: FieldError[]): FieldError[] {
  return [...new Map(errors.map((error) => [`${error.path} ${error.reason}`, error])).values()];
}
