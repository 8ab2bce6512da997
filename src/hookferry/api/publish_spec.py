"""The publish routes in the OpenAPI document. They stand before the framework, so it does not know them."""

from typing import Any

from hookferry.api.answers import Answer, Published
from hookferry.service.publish import Draft

_SAMPLE = {
    "type": "order.created",
    "payload": {"order": 17, "total": "12.50"},
    "idempotency_key": "order-17-created",
}


class PublishedBatch(Answer, frozen=True):
    """What was published, in the order of the batch."""

    data: list[Published]


TYPES: set[Any] = {Draft, Published, PublishedBatch}


def operations(schemas: dict[Any, Any]) -> dict[str, Any]:
    """Their operations by path. `schemas` are the schemas of types."""
    one = {"application/json": {"schema": schemas[Draft], "example": _SAMPLE}}
    many = {
        "application/json": {
            "schema": {"type": "array", "items": schemas[Draft], "minItems": 1, "maxItems": 1000},
            "example": [_SAMPLE],
        },
        "application/x-ndjson": {"schema": {"type": "string"}},
    }
    return {
        "/v1/tenants/{tenant}/events": {
            "operationId": "publish_event",
            "summary": "Publish an event",
            "description": (
                "Once it is answered the event is on disk, with a delivery for each matching endpoint. "
                "The same `idempotency_key` with the same body gives the same answer for 24 hours."
            ),
            **_common(one, schemas[Published]),
        },
        "/v1/tenants/{tenant}/events/batch": {
            "operationId": "publish_events",
            "summary": "Publish up to 1,000 events",
            "description": "All are stored, or none. A JSON array, or one JSON object a line.",
            **_common(many, schemas[PublishedBatch]),
        },
    }


def _common(content: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    return {
        "tags": ["Events"],
        "parameters": [
            {
                "name": "tenant",
                "in": "path",
                "required": True,
                "description": "The tenant's id.",
                "schema": {"type": "string"},
            }
        ],
        "requestBody": {"required": True, "content": content},
        "responses": {
            "202": {"description": "Stored.", "content": {"application/json": {"schema": answer}}},
            "429": {"$ref": "#/components/responses/429"},
        },
    }
