"""Where a thing of Central's stands, found by its identifier alone."""

from wardline.cli.client import Client
from wardline.core.errors import NotFound


def incident(central: Client, incident_id: str) -> str:
    """The path of an incident; raises NotFound."""
    for one in central.get("/incidents", incident=incident_id)["items"]:
        return f"/sites/{one['site_id']}/incidents/{one['id']}"
    raise NotFound(
        f"there is no incident {incident_id}; `wardline incidents list` shows those that there are"
    )
