/** /sites/{id}/accept/{check}: accept what fails by a check, on the hosts that are picked. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { AcceptForm } from "@/features/deviations/AcceptForm";
import { useAccept } from "@/features/deviations/accept";
import { observedQuery } from "@/features/deviations/get-observed";
import { Page, Panel } from "@/ui/Page";
import { Empty, Loaded } from "@/ui/States";

export function AcceptPage() {
  const { siteId, check } = useParams({ from: "/frame/sites/$siteId/accept/$check" });
  const { host } = useSearch({ from: "/frame/sites/$siteId/accept/$check" });
  const navigate = useNavigate();
  const observed = useQuery(observedQuery(siteId, check));
  const accept = useAccept(siteId);
  return (
    <Page
      title="Accept a failing state"
      up={{ to: "/sites/$siteId", params: { siteId }, label: "The site" }}
      lead="Until the day that you choose nothing repairs it, and it stays failed in the score."
    >
      <Loaded query={observed}>
        {(found) =>
          found.items.length === 0 ? (
            <Empty title="It fails on no host">
              <p>There is nothing to accept.</p>
            </Empty>
          ) : (
            <Panel title={found.check_title}>
              <AcceptForm
                observed={found}
                host={host}
                isBusy={accept.isPending}
                error={accept.error}
                onSubmit={(wish) =>
                  accept.mutate(wish, {
                    onSuccess: ({ id: deviationId }) =>
                      void navigate({ to: "/deviations/$deviationId", params: { deviationId } }),
                  })
                }
              />
            </Panel>
          )
        }
      </Loaded>
    </Page>
  );
}
