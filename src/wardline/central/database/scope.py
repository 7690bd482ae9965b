"""Whose rows a transaction may touch: one partner's, one site's, or the system jobs' own view."""

import re
from dataclasses import dataclass
from enum import StrEnum

from wardline.core.errors import WardlineError
from wardline.core.ids import PartnerId, SiteId

_IDENTIFIER = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class ScopeMissing(WardlineError):
    """A session was asked for without a usable scope."""

    code = "scope_missing"


class ActorKind(StrEnum):
    USER = "user"
    APPLIANCE = "appliance"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, for the audit log; `address` is where from, as text."""

    kind: ActorKind
    id: str
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Made by `partner`, `site` or `system` only; at most one of the first two fields is set."""

    partner_id: PartnerId | None
    site_id: SiteId | None
    site_partner_id: PartnerId | None

    @classmethod
    def partner(cls, partner_id: str) -> "Scope":
        """Everything of one partner."""
        return cls(PartnerId(_checked(partner_id)), None, None)

    @classmethod
    def site(cls, site_id: str, partner_id: str) -> "Scope":
        """One site's rows; what is written there names `partner_id`."""
        return cls(None, SiteId(_checked(site_id)), PartnerId(_checked(partner_id)))

    @classmethod
    def system(cls) -> "Scope":
        """No tenant: for the jobs role, whose own policies say what it sees."""
        return cls(None, None, None)

    @property
    def owner(self) -> PartnerId:
        """The partner that rows written in this scope belong to; raises ScopeMissing for none."""
        found = self.partner_id or self.site_partner_id
        if found is None:
            raise ScopeMissing("the system scope has no partner; name one in the statement")
        return found


def _checked(identifier: str) -> str:
    # The scope is written into a statement, so nothing but an identifier may pass.
    if not _IDENTIFIER.fullmatch(identifier):
        raise ScopeMissing("a scope needs the identifier of a partner or a site")
    return identifier
