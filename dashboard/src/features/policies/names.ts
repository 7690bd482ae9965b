/** The names that rules are shown with, from what the page has loaded. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { siteNamesQuery } from "@/features/policies/get-sites";
import { vocabularyQuery } from "@/features/policies/get-vocabulary";
import type { Names } from "@/features/policies/words";

const NO_HOSTS: ReadonlyMap<string, string> = new Map();

export function useNames(hosts: ReadonlyMap<string, string> = NO_HOSTS): Names {
  const vocabulary = useQuery(vocabularyQuery).data;
  const sites = useQuery(siteNamesQuery).data;
  return useMemo(
    () => ({
      checks: new Map(vocabulary?.checks.map(({ id, title }) => [id, title])),
      runbooks: new Map(vocabulary?.runbooks.map(({ id, title }) => [id, title])),
      sites: new Map(sites?.map(({ id, name }) => [id, name])),
      hosts,
    }),
    [vocabulary, sites, hosts],
  );
}
