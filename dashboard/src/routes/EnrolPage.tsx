/** /sites/{id}/enrol: the line to paste, then what arrived. */
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { EnrolPanel } from "@/features/enrolment/EnrolPanel";
import { siteQuery } from "@/features/sites/get-site";
import classes from "@/routes/routes.module.css";
import { Page, Panel } from "@/ui/Page";
import { Loaded } from "@/ui/States";

export function EnrolPage() {
  const { siteId } = useParams({ from: "/frame/sites/$siteId/enrol" });
  const query = useQuery(siteQuery(siteId));
  return (
    <Loaded query={query}>
      {(site) => (
        <Page
          title={`Add an appliance to ${site.name}`}
          up={{ label: site.name, to: "/sites/$siteId", params: { siteId } }}
        >
          <div className={classes.narrow}>
            <Panel>
              <EnrolPanel site={site} />
            </Panel>
          </div>
        </Page>
      )}
    </Loaded>
  );
}
