"""The appliance and the signer of the uplink's tests."""

from tests.integration.central.uplink.conftest import appliance, client, signer

__all__ = ["appliance", "client", "signer"]
