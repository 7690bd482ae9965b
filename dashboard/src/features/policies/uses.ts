/** The uses of the rules by id; null while they are not known, or for who may not see them. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { POLICY_READ } from "@/api/permissions";
import { usePermission } from "@/api/session";
import { type Use, usesQuery } from "@/features/policies/get-uses";

export type Uses = ReadonlyMap<string, Use>;

export function useUses(): Uses | null {
  const mayRead = usePermission(POLICY_READ);
  const { data } = useQuery({ ...usesQuery, enabled: mayRead });
  return useMemo(
    () => (mayRead && data ? new Map(data.map((use) => [use.ruleId, use])) : null),
    [mayRead, data],
  );
}
