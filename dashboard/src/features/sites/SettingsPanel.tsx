/** The site's settings as they are in force, and the form that changes them. */
import { Button } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { Site } from "@/api/types";
import { useChangeSettings } from "@/features/sites/change-settings";
import { fromSpans, spanWords } from "@/features/sites/hours";
import { SiteForm } from "@/features/sites/SiteForm";
import { Pairs, Panel } from "@/ui/Page";
import { Time } from "@/ui/Time";

export function SettingsPanel({ site, canChange }: { site: Site; canChange: boolean }) {
  const [isOpen, editor] = useDisclosure();
  const change = useChangeSettings(site.id);
  const week = fromSpans(site.opening_hours);
  if (isOpen) {
    return (
      <Panel title="Change the settings">
        <SiteForm
          name={site.name}
          zone={site.zone}
          week={week}
          action="Save"
          isBusy={change.isPending}
          error={change.error}
          onSubmit={(settings) => change.mutate(settings, { onSuccess: editor.close })}
          onCancel={editor.close}
        />
      </Panel>
    );
  }
  return (
    <Panel title="Settings">
      <Pairs pairs={settingPairs(site)} />
      {canChange && (
        <div>
          <Button variant="default" onClick={editor.open}>
            Change
          </Button>
        </div>
      )}
    </Panel>
  );
}

function settingPairs(site: Site): [string, React.ReactNode][] {
  const hours = site.opening_hours.map(spanWords);
  return [
    ["Name", site.name],
    ["Time zone", `${site.zone} (now ${clockIn(site.zone)})`],
    [
      "Opening hours",
      hours.length > 0 ? hours.map((line) => <div key={line}>{line}</div>) : "none given",
    ],
    ["Added", <Time key="added" at={site.created_at} as="clock" />],
    ["Site id", <code key="id">{site.id}</code>],
  ];
}

function clockIn(zone: string): string {
  return new Date().toLocaleTimeString("en-GB", {
    timeZone: zone,
    hour: "2-digit",
    minute: "2-digit",
  });
}
