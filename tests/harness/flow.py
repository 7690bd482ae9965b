"""One appliance's evidence on its way into a served Central, batch after batch, with accidents."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2

from tests.harness import appliance as appliances
from tests.harness import books
from tests.harness.appliance import START, Appliance
from tests.harness.served import Served
from tests.harness.wire import Relay, Trap
from wardline.core.evidence import checkpoint
from wardline.core.evidence.bundle import IncidentRecord, Outcome
from wardline.core.evidence.signing import Envelope

HTTP_OK = 200
# From this round on a batch repeats a bundle, brings a cosignature and is given a proof.
ROUNDS_UNTIL_USUAL = 3
SPRING_SECONDS_MAX = 10.0


@dataclass(frozen=True, slots=True)
class Suffered:
    """What an accident came to: the answer that came back, and whether the batch was stored."""

    answer: httpx2.Response | None
    stored: bool
    labels: list[str]


@dataclass(slots=True)
class Flow:
    """What was sent so far, and the checkpoints that the appliance may witness."""

    served: Served
    appliance: Appliance
    sent: list[Envelope] = field(default_factory=list)
    notes: list[checkpoint.Note] = field(default_factory=list)

    async def suffer(
        self, relay: Relay, trap: Trap | None, recover: Callable[[], None]
    ) -> Suffered:
        """Sends one more batch into `trap`, recovers, checks the books, sends it again as an
        appliance does, twice, and checks the books again."""
        fresh, frame = self._fresh(), self._frame()
        batch = [*self.sent[-1:], *fresh]
        answer: httpx2.Response | None = None
        relay.watch(trap)
        try:
            answer = await self.appliance.send(*batch, **frame)
        except httpx2.TransportError:
            assert trap is not None, "nobody broke the connection"
        labels = relay.labels
        if trap is not None:
            assert trap.sprung.wait(SPRING_SECONDS_MAX), f"{len(labels)} steps: {labels}"
        relay.watch()
        recover()
        stored = await self._stored(fresh)
        receipts = await self._again(batch, frame)
        assert await self._again(batch, frame) == receipts, "another receipt the second time"
        if answer is not None and answer.status_code == HTTP_OK:
            assert stored, "acknowledged, and not there"
            assert answer.json()["receipts"] == receipts
        self.sent += fresh
        await self._check(receipts)
        await self._sign()
        return Suffered(answer, stored, labels)

    def _fresh(self) -> list[Envelope]:
        """Two bundles that tell of an incident and of its repair, and one of another host."""
        host, other = self.appliance.hosts
        opened = appliances.incident(opened_at=self._minute())
        closed = appliances.healed(opened, self._minute())
        return [
            self._seal(host, Outcome.FAIL, opened),
            self._seal(other, Outcome.UNKNOWN),
            self._seal(host, Outcome.PASS, closed),
        ]

    def _seal(self, host: str, outcome: Outcome, *incidents: IncidentRecord) -> Envelope:
        result = appliances.result(outcome=outcome, measured_at=self._minute())
        return self.appliance.seal(host_id=host, results=(result,), incidents=incidents)

    def _minute(self) -> Any:
        return START + timedelta(minutes=self.appliance.seq)

    def _frame(self) -> dict[str, Any]:
        """The cosignature of the checkpoint before the newest, so that a proof is due."""
        if len(self.notes) < ROUNDS_UNTIL_USUAL - 1:
            return {}
        seen = self.notes[-2]
        size = checkpoint.parse_body(seen.body).size
        line = checkpoint.cosign(
            seen.body,
            checkpoint.witness_name(self.appliance.id),
            self.appliance.witness,
            int(START.timestamp()),
        )
        return {"witnessed_size": size, "cosignatures": [line]}

    async def _stored(self, fresh: list[Envelope]) -> bool:
        """Whether the accident left the batch whole or nothing of it; anything else fails."""
        owner = await self.served.owner()
        count = await books.held(owner, self.appliance) - len(self.sent)
        assert count in (0, len(fresh)), f"{count} of {len(fresh)} bundles are there"
        await books.check(owner, self.appliance, [*self.sent, *fresh[:count]])
        await owner.close()
        return count > 0

    async def _again(self, batch: list[Envelope], frame: dict[str, Any]) -> list[dict[str, Any]]:
        answer = await self.appliance.send(*batch, **frame)
        assert answer.status_code == HTTP_OK, answer.text
        receipts: list[dict[str, Any]] = answer.json()["receipts"]
        return receipts

    async def _check(self, receipts: list[dict[str, Any]]) -> None:
        owner = await self.served.owner()
        await books.check(owner, self.appliance, self.sent)
        await books.check_receipts(owner, self.appliance.site_id, receipts)
        await books.check_witness(owner, self.appliance, max(0, len(self.notes) - 1))
        await owner.close()

    async def _sign(self) -> None:
        await self.served.sign()
        owner = await self.served.owner()
        note = await owner.fetchval(
            "SELECT note FROM evidence_checkpoints WHERE site_id = $1 ORDER BY size DESC LIMIT 1",
            self.appliance.site_id,
        )
        await owner.close()
        self.notes.append(checkpoint.parse_note(note))
