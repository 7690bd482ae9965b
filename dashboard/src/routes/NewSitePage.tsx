/** /sites/new: the first half of the first run; the second is the line to paste. */
import { useNavigate } from "@tanstack/react-router";
import { useCreateToken } from "@/features/enrolment/create-token";
import { AddSiteForm } from "@/features/sites/AddSiteForm";
import classes from "@/routes/routes.module.css";
import { Page, Panel } from "@/ui/Page";

export function NewSitePage() {
  const navigate = useNavigate();
  const token = useCreateToken();
  const go = (siteId: string) => void navigate({ to: "/sites/$siteId/enrol", params: { siteId } });
  return (
    <Page
      title="Add a site"
      up={{ label: "Fleet", to: "/" }}
      lead="A new site observes: it measures and reports, and changes nothing until you switch healing on."
    >
      <div className={classes.narrow}>
        <Panel>
          <AddSiteForm
            // The next page offers the line again if this request fails.
            onDone={(site) => token.mutate(site.id, { onSettled: () => go(site.id) })}
          />
        </Panel>
      </div>
    </Page>
  );
}
