"""HTTP: what the rules of a partner may name, in words: for whoever writes one in a form."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel

from wardline.central.database.session import Session
from wardline.central.identity import access
from wardline.central.identity.permissions import POLICY_ROLES, Permission
from wardline.core.incidents import catalogue

router = APIRouter(prefix="/api/v1/policies", tags=["policy"])

PolicyReader = Annotated[Session, access.requires(Permission.POLICY_READ)]


class CheckWords(BaseModel):
    """A check: what a rule's `when.kpiId` may be."""

    id: str
    title: str
    severity: str
    evidence: str


class RunbookWords(BaseModel):
    """A runbook: what a rule's `action` may be; `inputs` says of each what it is."""

    id: str
    title: str
    description: str
    risk: str
    check: str
    platforms: list[str]
    inputs: Mapping[str, str]


class Vocabulary(BaseModel):
    """`roles` are those that a rule may ask for an approval, with whom that means here."""

    checks: list[CheckWords]
    runbooks: list[RunbookWords]
    roles: list[str]
    partner: str | None


@router.get("/vocabulary")
async def read_vocabulary(session: PolicyReader) -> Vocabulary:
    """The checks, runbooks and roles that rules may name."""
    return Vocabulary(
        checks=[
            CheckWords(
                id=entry.id, title=entry.title, severity=entry.severity, evidence=entry.evidence
            )
            for entry in catalogue.checks().values()
        ],
        runbooks=[
            RunbookWords(
                id=entry.id,
                title=entry.title,
                description=entry.description,
                risk=entry.risk,
                check=entry.check,
                platforms=list(entry.platforms),
                inputs=entry.inputs,
            )
            for entry in catalogue.runbooks().values()
        ],
        roles=sorted(set(POLICY_ROLES.values())),
        partner=session.scope.owner,
    )
