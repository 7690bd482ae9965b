"""The rules that a policy file starts with: the document's three, and one per built-in runbook."""

from dataclasses import dataclass

from wardline.core.incidents import catalogue
from wardline.core.policy import seeds
from wardline.policy.store import PolicyStore

REASON = "the rules to start with"


@dataclass(frozen=True, slots=True)
class Seeded:
    """Ids of the rules that were put in, and how many of them were there before."""

    added: tuple[str, ...]
    kept: int


async def plant(store: PolicyStore) -> Seeded:
    """Puts in what is missing, in one revision; a rule that is there stays as it is."""
    runbooks = catalogue.runbooks().values()
    rules = [
        *seeds.document(),
        *seeds.rules_for_runbooks(
            ((each.id, each.check, each.risk) for each in runbooks),
            {each.id for each in runbooks if each.noticed},
        ),
    ]
    there = {rule["id"] for rule in await store.rules()}
    missing = [rule for rule in rules if rule.id not in there]
    await store.save_all(missing, reason=REASON)
    return Seeded(tuple(rule.id for rule in missing), len(rules) - len(missing))
