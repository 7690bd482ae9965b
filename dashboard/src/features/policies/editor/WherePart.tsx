/** Where the rule applies: everywhere, at one site, or on one host of it. */
import { Select, TagsInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { NamedSelect, Part } from "@/features/policies/editor/fields";
import type { Form } from "@/features/policies/editor/form";
import { hostsQuery } from "@/features/policies/get-hosts";
import { type Rule, type Scope, without } from "@/features/policies/rule";

type Reach = "all" | "partner" | "site" | "host";

const REACHES: { value: Reach; label: string }[] = [
  { value: "all", label: "Everywhere" },
  { value: "partner", label: "At all your sites (wins over everywhere)" },
  { value: "site", label: "At one site" },
  { value: "host", label: "On one host" },
];
const TAGS_MAX = 32;

export function WherePart({ form }: { form: Form }) {
  const { draft, problems, vocabulary, sites, change } = form;
  const scope = draft.scope ?? {};
  const reach = reachOf(draft);
  const move = (part: Partial<Scope>) => change((rule) => withScope(rule, part));
  const site = scope.site ?? "";
  const reachTo = (wanted: string | null) => {
    const none = { partner: undefined, site: undefined, host: undefined };
    const first = sites[0]?.id;
    if (wanted === "partner") move({ ...none, partner: vocabulary.partner ?? undefined });
    else if (wanted === "site") move({ ...none, site: site || first });
    else if (wanted === "host") move({ ...none, site: site || first, host: scope.host ?? "" });
    else move(none);
  };
  return (
    <Part title="Where">
      <Select
        label="It applies"
        data={REACHES.filter(({ value }) => value !== "partner" || vocabulary.partner !== null)}
        allowDeselect={false}
        value={reach}
        error={problems.at("scope.partner")}
        onChange={reachTo}
      />
      {(reach === "site" || reach === "host") && (
        <NamedSelect
          label="Site"
          choices={sites.map(({ id, name }) => ({ value: id, label: name }))}
          value={site}
          error={problems.at("scope.site")}
          onChange={(wanted) => move({ site: wanted, host: reach === "host" ? "" : undefined })}
        />
      )}
      {reach === "host" && <HostField form={form} onChange={(host) => move({ host })} />}
      <TagsInput
        label="Only hosts with all of these tags"
        maxTags={TAGS_MAX}
        value={scope.tags ?? []}
        error={problems.at("scope.tags")}
        onChange={(tags) => move({ tags: tags.length > 0 ? tags : undefined })}
      />
    </Part>
  );
}

function HostField({ form, onChange }: { form: Form; onChange: (host: string) => void }) {
  const { scope } = form.draft;
  const hosts = useQuery(hostsQuery(scope?.site)).data ?? [];
  return (
    <NamedSelect
      label="Host"
      choices={hosts.map(({ id, name }) => ({ value: id, label: name }))}
      value={scope?.host ?? ""}
      error={form.problems.at("scope.host") ?? (scope?.host === "" ? "Say which host" : null)}
      isOpenEnded
      onChange={onChange}
    />
  );
}

function reachOf({ scope }: Rule): Reach {
  if (typeof scope?.host === "string") return "host";
  if (scope?.site) return "site";
  return scope?.partner ? "partner" : "all";
}

function withScope(rule: Rule, part: Partial<Scope>): Rule {
  const merged = Object.entries({ ...rule.scope, ...part }).filter(([, value]) => value !== undefined);
  return merged.length > 0
    ? { ...rule, scope: Object.fromEntries(merged) }
    : without(rule, ["scope"]);
}
