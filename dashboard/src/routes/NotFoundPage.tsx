/** No such page. */
import { Link } from "@tanstack/react-router";
import { Page } from "@/ui/Page";

export function NotFoundPage() {
  return (
    <Page title="Page not found" lead="There is nothing at this address, or nothing you may see.">
      <p>
        <Link to="/">Back to the fleet</Link>
      </p>
    </Page>
  );
}
