"""Errors as callers see them: problem details (RFC 9457) with a code of a closed set."""

from http import HTTPStatus
from typing import Any

import msgspec
import structlog

from hookferry.errors import HookferryError, Unauthenticated
from hookferry.logs import described

_log = structlog.get_logger("hookferry.api")

CODES = {
    "malformed": "The request cannot be read.",
    "too_deep": "The JSON is nested too deeply.",
    "unauthenticated": "There is no key, or not a valid one.",
    "forbidden": "The key lacks the permission.",
    "feature_disabled": "The feature is off for this tenant; the operator turns it on.",
    "secret_hidden": "The secret was shown when it was made, and is not shown again.",
    "not_found": "There is no such object, or it is another tenant's.",
    "method_not_allowed": "This path does not take this method.",
    "conflict": "The request clashes with what is there.",
    "already_exists": "The id or name is taken.",
    "url_taken": "The tenant has an endpoint with this URL already.",
    "idempotency_conflict": "The idempotency key was used with another body.",
    "delivery_busy": "The delivery is in flight or held.",
    "delivery_final": "The delivery is final and never changes.",
    "job_running": "The endpoint has a job at work.",
    "job_ended": "The job has ended.",
    "endpoint_deleted": "The endpoint is deleted.",
    "endpoint_disabled": "The endpoint is disabled: it wants nothing more until it is resumed.",
    "payload_pruned": "The event's payload is no longer kept.",
    "unreadable_secret": "The endpoint's secrets cannot be decrypted.",
    "too_large": "The body is over its limit.",
    "unsupported_media_type": "The body is not JSON.",
    "rate_limited": "The tenant publishes more events than its quota allows. Try again later.",
    "backlog_full": "More of the tenant's deliveries wait than its quota allows. Try again later.",
    "invalid": "The request cannot be accepted as it is.",
    "invalid_contract": "The contract's text cannot be loaded.",
    "invalid_url": "The endpoint's URL cannot be used.",
    "unknown_event_type": "The event type is not in the catalogue.",
    "unavailable": "Nothing can be stored now, and nothing was. Try again later.",
    "internal": "Hookferry has a bug here. The log says more.",
}
"""Every code that an answer can have, with its title. The reference lists them."""

Headers = list[tuple[bytes, bytes]]

CONTENT_TYPE = "application/problem+json"

# Code and detail for what the framework refuses by itself.
_OF_STATUS = {
    HTTPStatus.BAD_REQUEST: ("malformed", "The request is not valid HTTP."),
    HTTPStatus.NOT_FOUND: ("not_found", "There is nothing at this path."),
    HTTPStatus.METHOD_NOT_ALLOWED: ("method_not_allowed", "The header Allow says which methods there are."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("too_large", "The body has more than 1 MiB."),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: (
        "unsupported_media_type",
        "Send JSON, with the header `Content-Type: application/json`.",
    ),
}
_BUG = ("internal", "This request ran into a bug; the log has the details.")


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong. `code` is one of a closed set; `field` names the culprit where there is one.

    `number` says which event of a batch it was, from 0; `contract_code` what the tenant's contract calls it.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    field: str | None = None
    number: int | None = None
    contract_code: str | None = None


def problem(error: HookferryError, contract_code: str | None = None) -> tuple[int, Headers, bytes]:
    """Status, headers and body of the answer to an error; a contract may have a code of its own for it."""
    headers = [(b"content-type", CONTENT_TYPE.encode()), (b"x-content-type-options", b"nosniff")]
    if isinstance(error, Unauthenticated):
        headers.append((b"www-authenticate", b"Bearer"))
    if error.retry_after is not None:
        headers.append((b"retry-after", str(error.retry_after).encode()))
    body = _encode(error.status, error.code, error.message, error.field, error.number, contract_code)
    return error.status, headers, body


def bug(path: str, error: Exception) -> tuple[int, Headers, bytes]:
    """The same for an error that nobody foresaw: the log says where it happened."""
    _log.error("internal_error", path=path, **described(error))
    return problem(HookferryError(_BUG[1]))


def http_problem(status: int) -> bytes:
    """The body of the answer to an error of the framework's, or of ours."""
    return _encode(status, *_OF_STATUS.get(HTTPStatus(status), _BUG))


def _encode(status: int, code: str, detail: str, *more: Any) -> bytes:
    return msgspec.json.encode(Problem(f"/docs#{code}", CODES[code], status, detail, code, *more))
