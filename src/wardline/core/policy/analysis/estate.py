"""What is known of the place where rules apply; of what is not known, no rule is blamed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wardline.core.policy.request import ActionFacts
from wardline.core.policy.rule import Window


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """A site's zone (IANA) and when people work there, empty = nobody knows."""

    zone: str
    opening_hours: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True)
class Estate:
    """`partner`: the only one that asks. `sites`: by id, those that are known; more may come.
    `actions`, `kpis`: all that exist. `holders`: the ids of the people who hold a role, by role.
    None = unknown.
    """

    partner: str | None = None
    sites: Mapping[str, SiteFacts] = field(default_factory=dict)
    actions: Mapping[str, ActionFacts] | None = None
    kpis: frozenset[str] | None = None
    holders: Mapping[str, frozenset[str]] | None = None
