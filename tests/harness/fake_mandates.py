"""Mandates at the faked Central: who froze the appliance, its share, and what it says it obeys."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from wardline.core import clock, ids, mandate
from wardline.core.mandate import Freeze, Mandate, Reach
from wardline.core.policy.share import WHOLE, Share
from wardline.core.protocol import KeyPurpose
from wardline.core.stops import Stop

if TYPE_CHECKING:
    from tests.harness.fake_central import FakeCentral

FROZEN_AT = clock.parse("2026-11-25T10:00:00.000Z")


@dataclass
class FakeMandates:
    """What is ordered now, under a number that grows with every change, and what was heard."""

    count: int = 1
    freezes: list[Freeze] = field(default_factory=list)
    share: Share = WHOLE
    obeyed: list[str] = field(default_factory=list)
    local: list[dict[str, Any]] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    schema: int = mandate.NEWEST

    def freeze(self, reach: Reach = Reach.SITE, reason: str = "it misbehaves") -> str:
        """Its id."""
        made = Freeze(ids.new("freeze"), reach, FROZEN_AT, "Mia", reason)
        self.freezes.append(made)
        self.count += 1
        return made.id

    def lift(self) -> None:
        self.freezes.clear()
        self.count += 1

    def split(self, index: int, of: int) -> None:
        self.share = Share(index, of)
        self.count += 1

    def wire(self, central: "FakeCentral", **changes: Any) -> dict[str, Any]:
        """What is ordered now, signed."""
        made = Mandate(
            central.site,
            central.appliance,
            central.policy_epoch,
            self.count,
            tuple(self.freezes),
            self.share,
            tuple(self.stops),
        )
        key = central.keys[KeyPurpose.POLICY]
        return mandate.seal(replace(made, **changes), key, self.schema).to_wire()

    def hear(self, sent: dict[str, Any]) -> None:
        """What a check-in says."""
        self.obeyed = sent["obeyed"]
        self.local += sent["freezes"]
