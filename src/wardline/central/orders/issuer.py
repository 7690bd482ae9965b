"""Who gives an order, for how long, and the key that signs it, as a route receives them."""

from dataclasses import dataclass, field
from datetime import timedelta

from fastapi import Request

from wardline.central.identity import access
from wardline.central.identity.access import Caller
from wardline.central.identity.permissions import POLICY_ROLES
from wardline.central.identity.server_keys import ServerKeys
from wardline.central.web import state
from wardline.core.evidence.signing import SigningKey
from wardline.core.orders import NAME_BYTES_MAX, Person


@dataclass(frozen=True, slots=True)
class Issuer:
    """A person behind a valid session; `lifetime` is that of an order given now."""

    person: Person
    lifetime: timedelta
    key: SigningKey = field(repr=False)


def of(request: Request) -> Issuer:
    """The caller who passed the route's permission."""
    keys: ServerKeys = request.app.state.server_keys
    lifetime = timedelta(seconds=state.settings(request).order_times.lifetime_s)
    return Issuer(person(access.caller_of(request)), lifetime, keys.order)


def person(caller: Caller) -> Person:
    """The caller under the role that the policy's contract knows."""
    name = caller.name.encode()[:NAME_BYTES_MAX].decode(errors="ignore")
    return Person(caller.user_id, name, (POLICY_ROLES[caller.role],))
