"""Carries orders: takes in what is for this appliance and tells Central what became of each.

An order is admitted by its signature over the received bytes, its target and its time. What does
not verify sounds an alarm and is told as failed, and never uses up the id of one that does.
"""

import time

import orjson

from wardline.agent.bell import Bells
from wardline.agent.roster import Roster
from wardline.agent.settings import Settings
from wardline.agent.store import alarms, orders, policies
from wardline.agent.store.database import Transaction
from wardline.agent.store.ledger import Ledger
from wardline.agent.store.orders import Code, Ending, State, Telling
from wardline.agent.uplink import (
    AnswerInvalid,
    BodyTooLarge,
    CentralUnavailable,
    CredentialRefused,
    RequestRefused,
    Uplink,
)
from wardline.core import clock, protocol
from wardline.core import orders as order_form
from wardline.core.errors import Malformed
from wardline.core.evidence.signing import BadSignature, Envelope
from wardline.core.orders import Order
from wardline.core.protocol import EnvelopeWire, OrderReport

LEASES_PER_TURN_MAX = 10
REPORTS_PER_TURN_MAX = 100
REST_S_LEAST = 1.0
REST_S_MAX = 60.0
# The subject of the alarm about all orders together.
TOO_MANY = "too many orders"

_NO_ANSWER = (CentralUnavailable, CredentialRefused, BodyTooLarge)


class _Unverified(Exception):
    """Nothing that says who made it; `order_id` is what it claims to be."""

    def __init__(self, code: Code, why: str, order_id: str | None) -> None:
        super().__init__(why)
        self.code, self.order_id = code, order_id


class Courier:
    """Part of the reporting loop: every request of its about orders."""

    def __init__(
        self, ledger: Ledger, roster: Roster, uplink: Uplink, settings: Settings, bells: Bells
    ) -> None:
        self._ledger = ledger
        self._roster = roster
        self._uplink = uplink
        self._key = policies.public_key(settings.central.order_key)
        self._bells = bells
        self._waiting_at_central = 0
        self._failures = 0
        self._rest_until = 0.0

    def expect(self, count: int) -> None:
        """A check-in's answer said that so many orders are waiting to be leased."""
        self._waiting_at_central = count

    def rest_s(self, idle_s: float) -> float:
        """Seconds until there is something to do again, at most `idle_s`."""
        left_s = self._rest_until - time.monotonic()
        return min(left_s, idle_s) if left_s > 0 else idle_s

    def turn(self) -> None:
        """Tell what is untold, and fetch what waits, as long as Central answers."""
        if time.monotonic() < self._rest_until:
            return
        try:
            self._tell()
            self._lease()
            self._failures = 0
        except _NO_ANSWER as error:
            self._put_off(error)

    def _lease(self) -> None:
        """Orders until Central has no more, or enough wait here."""
        for _ in range(LEASES_PER_TURN_MAX):
            if not self._waiting_at_central or self._bells.stopping:
                return
            room = self._room()
            if room <= 0:
                return
            count = min(room, protocol.ORDERS_PER_LEASE_MAX)
            try:
                leased = self._uplink.lease_orders(count).orders[:count]
            except RequestRefused as error:
                raise AnswerInvalid(str(error)) from error
            for wire in leased:
                self._take(wire)
            if len(leased) < count:
                self._waiting_at_central = 0
            if leased:
                self._bells.act.ring()
                self._tell()

    def _room(self) -> int:
        """How many orders more may wait here; none while those that are kept take too much room."""
        with self._ledger.transaction() as tx:
            now, kept = self._ledger.now(), orders.bytes_kept(tx)
            if kept < orders.KEPT_BYTES_MAX:
                alarms.over(tx, alarms.Code.ORDER_REFUSED, TOO_MANY, now)
                return orders.WAITING_MAX - len(orders.waiting(tx))
            why = (
                f"{kept} bytes of orders of the last {orders.KEPT_DAYS} days are kept: no more are"
                " fetched until the oldest are forgotten; ask why Central sends so many"
            )
            alarms.sound(tx, alarms.Code.ORDER_REFUSED, TOO_MANY, why, now)
            return 0

    def _take(self, wire: EnvelopeWire) -> None:
        """One leased envelope, in one transaction: kept, known already, or refused."""
        now = self._ledger.now()
        with self._ledger.transaction() as tx:
            try:
                envelope, order = self._verified(wire)
            except _Unverified as refused:
                self._refuse(tx, refused)
                return
            held = orders.known(tx, order.id)
            if held is not None:
                self._meet_again(tx, order, held == envelope.to_json())
                return
            orders.receive(tx, order, envelope, now)
            ending = self._unfit(tx, order)
            if ending is None:
                alarms.over(tx, alarms.Code.ORDER_REFUSED, order.id, now)
                return
            orders.end(tx, order.id, ending, now)
            if ending.state is not State.EXPIRED:
                alarms.sound(tx, alarms.Code.ORDER_REFUSED, order.id, ending.detail, now)

    def _verified(self, wire: EnvelopeWire) -> tuple[Envelope, Order]:
        """Signature first, over the bytes as they came; what they say, only then."""
        order_id = None
        try:
            envelope = Envelope.from_wire(
                wire.model_dump(), payload_bytes_max=order_form.PAYLOAD_BYTES_MAX
            )
            order_id = _claimed(envelope)
            return envelope, order_form.opened(envelope, self._key)
        except BadSignature as error:
            raise _Unverified(Code.BAD_SIGNATURE, str(error), order_id) from error
        except Malformed as error:
            raise _Unverified(Code.MALFORMED, str(error), order_id) from error

    def _refuse(self, tx: Transaction, refused: _Unverified) -> None:
        now = self._ledger.now()
        subject = refused.order_id or "an order without a readable id"
        alarms.sound(tx, alarms.Code.ORDER_REFUSED, subject, f"{refused.code}: {refused}", now)
        if refused.order_id is not None:
            ending = Ending(State.FAILED, refused.code, str(refused))
            if not orders.refuse(tx, refused.order_id, ending, now):
                orders.tell_again(tx, refused.order_id)

    def _meet_again(self, tx: Transaction, order: Order, same: bool) -> None:
        """Single use: what is known is answered with what was done, and never taken anew."""
        orders.tell_again(tx, order.id)
        if not same:
            why = "Central signed another order under this id than the stored one, which stands"
            alarms.sound(tx, alarms.Code.ORDER_REFUSED, order.id, why, self._ledger.now())

    def _unfit(self, tx: Transaction, order: Order) -> Ending | None:
        """Why a verified order is none for this appliance now."""
        now = self._ledger.now()
        if order.site_id != self._ledger.site_id:
            return _failed(Code.OTHER_SITE, f"it is for {order.site_id}")
        if order.appliance_id != self._ledger.appliance_id:
            return _failed(Code.OTHER_APPLIANCE, f"it is for {order.appliance_id}")
        if self._roster.get(order.host_id) is None:
            return _failed(Code.UNKNOWN_HOST, f"agent.toml names no host {order.host_id}")
        if now >= order.expires_at or orders.forgotten(tx, order):
            at = clock.wire(order.expires_at)
            return Ending(State.EXPIRED, Code.EXPIRED, f"it expired at {at}, before it came here")
        return orders.unborn(order, now)

    def _tell(self) -> None:
        """Report until Central has answered for every order as it stands."""
        with self._ledger.reading() as tx:
            untold = orders.to_tell(tx, REPORTS_PER_TURN_MAX)
        for one in untold:
            if self._bells.stopping:
                return
            refusal = None
            try:
                self._uplink.report_order(_report(one))
            except RequestRefused as error:
                refusal = f"Central does not take the report of it: {error}"
            with self._ledger.transaction() as tx:
                orders.told(tx, one)
                if refusal is not None:
                    now = self._ledger.now()
                    alarms.sound(tx, alarms.Code.ORDER_REFUSED, one.id, refusal, now)

    def _put_off(self, error: Exception) -> None:
        """Everything is kept; longer with every failure, and as long as Central asks for."""
        rest_s = min(REST_S_LEAST * 2**self._failures, REST_S_MAX)
        if isinstance(error, CentralUnavailable):
            rest_s = max(rest_s, error.retry_after_s or 0.0)
        self._failures = min(self._failures + 1, 16)
        self._rest_until = time.monotonic() + rest_s
        if isinstance(error, CredentialRefused):
            with self._ledger.transaction() as tx:
                alarms.sound(tx, alarms.Code.REFUSED, "orders", str(error), self._ledger.now())


def _failed(code: Code, why: str) -> Ending:
    return Ending(State.FAILED, code, why)


def _claimed(envelope: Envelope) -> str | None:
    """The id that unverified bytes name, if they are an order at all."""
    try:
        found = orjson.loads(envelope.payload)
        return str(order_form.parse(envelope.payload).id) if isinstance(found, dict) else None
    except (orjson.JSONDecodeError, Malformed):
        return None


def _report(one: Telling) -> OrderReport:
    told = {
        "order_id": one.id,
        "status": one.state.value,
        "code": one.code,
        "detail": one.detail,
        "at": clock.wire(one.at),
        "epoch": one.epoch,
        "seq": one.seq,
    }
    return OrderReport.model_validate(told)
