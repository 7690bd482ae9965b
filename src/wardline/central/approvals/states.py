"""The words for where an approval stands and for what a person says to it."""

from enum import StrEnum


class Status(StrEnum):
    """`superseded`: the incident moved on before anybody answered."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"


class Vote(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
