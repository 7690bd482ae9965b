/** The whole log as a ZIP, and how anyone verifies it without trusting this server. */
import { Button } from "@mantine/core";
import classes from "@/features/evidence/ExportEvidence.module.css";
import { Command } from "@/ui/Copy";
import { Icon } from "@/ui/icons";

export function ExportEvidence({ siteId, size }: { siteId: string; size: number }) {
  return (
    <div className={classes.export}>
      <p>
        The export holds every entry, checkpoint, cosignature and bundle of this site. Take the
        keys to trust from the appliance, not from here: there, <code>wardline agent trust</code>{" "}
        prints them.
      </p>
      <Button
        component="a"
        href={`/api/v1/sites/${encodeURIComponent(siteId)}/evidence/export`}
        download
        leftSection={<Icon name="download" />}
      >
        Export the evidence
      </Button>
      <Command text={verifyCommand(siteId, size)} label="Command that verifies the export" />
    </div>
  );
}

/** An export goes to the newest checkpoint, whose size is in the name of the file. */
export function verifyCommand(siteId: string, size: number): string {
  return `wardline evidence verify evidence-${siteId}-${size}.zip --trust keys.txt`;
}
