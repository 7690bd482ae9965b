/** What people had this site's appliances do; the page is in the URL. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { ordersQuery } from "@/features/orders/get-orders";
import { OrderTable } from "@/features/orders/OrderTable";
import { Panel } from "@/ui/Page";
import { Empty, Loaded } from "@/ui/States";
import { Pager } from "@/ui/Table";

export function SiteOrders({ siteId }: { siteId: string }) {
  const { cursor } = useSearch({ from: "/frame/sites/$siteId" });
  const navigate = useNavigate();
  const query = useQuery(ordersQuery(siteId, cursor));
  return (
    <Panel title="Orders" note="Signed instructions to the appliance, each carried out at most once">
      <Loaded query={query}>
        {({ items, next_cursor }) => (
          <>
            {items.length > 0 ? (
              <OrderTable orders={items} />
            ) : (
              <Empty title="No order">
                <p>An order is given when somebody approves or starts a repair, or clears a hold.</p>
              </Empty>
            )}
            <Pager
              isFirst={cursor === undefined}
              next={next_cursor}
              go={(next) =>
                void navigate({
                  to: "/sites/$siteId",
                  params: { siteId },
                  search: { tab: "orders", cursor: next },
                })
              }
            />
          </>
        )}
      </Loaded>
    </Panel>
  );
}
