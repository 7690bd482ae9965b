/** One host of a site, or none. */
import { Select } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { hostsQuery } from "@/features/policies/get-hosts";

export function HostSelect(props: {
  site: string;
  host: string;
  onChange: (host: string) => void;
}) {
  const hosts = useQuery(hostsQuery(props.site || null)).data ?? [];
  return (
    <Select
      label="Host"
      placeholder="None in particular"
      clearable
      searchable
      data={hosts.map(({ id, name }) => ({ value: id, label: name }))}
      value={props.host || null}
      onChange={(wanted) => props.onChange(wanted ?? "")}
    />
  );
}
