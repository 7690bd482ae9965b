"""The refusals of the policy manager's routes, as the API's description tells them."""

from http import HTTPStatus
from typing import Any

from wardline.policy import problems

# What any route may answer: who asks, what came in, and whether there is room for it.
COMMON = (401, 403, 408, 413, 415, 421, 422, 429, 503, 507)

SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457 problem details; `errors` names every bad field where fields are bad.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "reason"],
                "properties": {"path": {"type": "string"}, "reason": {"type": "string"}},
            },
        },
    },
}


def of(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that refuses with these."""
    content = {problems.MEDIA_TYPE: {"schema": SCHEMA}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }
