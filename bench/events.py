"""What is published: events whose payload has a given size."""

import json

TYPE = "bench.order"
SMALL = 300
LARGE = 8192


def payload(size: int) -> str:
    """A JSON object of exactly `size` bytes that looks like an order: strings, numbers, a list."""
    item = {
        "sku": "HF-2041-BLUE",
        "title": "Cabin hook, brass",
        "quantity": 2,
        "price": {"amount": "18.40", "currency": "EUR"},
    }
    order: dict[str, object] = {
        "order": "ord_20931",
        "customer": "cus_88412",
        "paid": True,
        "items": [item],
        "note": "",
    }
    items: list[object] = [item]
    while len(json.dumps({**order, "items": [*items, item]})) <= size:
        items.append(item)
    order["items"] = items
    order["note"] = "x" * (size - len(json.dumps(order)))
    return json.dumps(order)


def event(size: int = SMALL, type: str = TYPE, scope: str | None = None) -> str:
    """A body for publish; `scope` is the event's one `dc_ids` label."""
    label = f', "scope": {{"dc_ids": ["{scope}"]}}' if scope else ""
    return f'{{"type": "{type}", "payload": {payload(size)}{label}}}'


def batch(count: int, size: int = SMALL, type: str = TYPE) -> str:
    """A body for the batch route: a JSON array."""
    return "[" + ",".join([event(size, type)] * count) + "]"
