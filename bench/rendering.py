"""What it costs to render and sign a request, by contract. In this process, without a server."""

import hmac
import timeit
from collections.abc import Callable

from bench.events import payload
from bench.report import Row, at_most
from bench.run import Run
from hookferry.contracts import Contract, builtin
from hookferry.contracts.load import builtin_names
from hookferry.model import Delivery, DeliveryStatus, Endpoint, EndpointStatus, Event, Scope, Secret

# What `standard` took in HMACs over the same bytes before a contract could say more than that one (7ec1d5c):
# microseconds are another machine's, and the ratio was 3.15 whenever we looked.
_BEFORE = 3.15
_NOW = 1_770_091_506_789
_TIMES = 2000


def rendering(run: Run) -> list[Row]:
    """The time of `standard` in HMACs, and of the other contracts in `standard`."""
    rounds = [_costs() for _ in range(max(run.rounds, 1))]
    hashed = [costs["hmac"] for costs in rounds]
    standard = [costs["standard"] for costs in rounds]
    others = [name for name in rounds[0] if name not in ("hmac", "standard")]
    return [
        Row("rendering", "standard / HMAC", "", _ratios(standard, hashed), at_most(round(1.1 * _BEFORE, 2))),
        *[
            Row(
                "rendering",
                f"{name} / standard",
                "",
                _ratios([costs[name] for costs in rounds], standard),
                at_most(2) if name == "opentrack" else None,
            )
            for name in others
        ],
        Row("rendering", "standard", "µs", standard),
    ]


def _costs() -> dict[str, float]:
    """Microseconds by contract. One whose secrets are RSA keys is left out: none can be made here."""
    standard, content = _rendered(builtin("standard")), bytes(400)
    costs = {"hmac": _best(lambda: hmac.digest(bytes(32), content, "sha256")), "standard": _best(standard)}
    for name in builtin_names():
        contract = builtin(name)
        if name != "standard" and contract.secrets.form != "rsa":
            costs[name] = _best(_rendered(contract))
    return costs


def _rendered(contract: Contract) -> Callable[[], object]:
    type = next(iter(contract.catalogue), "bench.order")
    scope: Scope = dict.fromkeys(("dc_ids", "space", "account"), ("1",))
    event = Event(
        "evt_019c215f3205a1b2c3d4e5f60718", "bench", type, payload(300).encode(), _NOW, _NOW, None, scope
    )
    secrets = (Secret(contract.new_secret(bytes(range(32)))),)
    endpoint = Endpoint(
        "ep_1", "bench", "https://example.com/", "", (), {}, (), EndpointStatus.ACTIVE, secrets, _NOW, _NOW
    )
    delivery = Delivery("dlv_1", "bench", event.id, "ep_1", type, DeliveryStatus.LEASED, 0, _NOW)
    return lambda: contract.render(event, delivery, endpoint, 1, _NOW)


def _best(action: Callable[[], object]) -> float:
    """Microseconds: the least of many short runs, as whatever else runs only adds."""
    return min(timeit.repeat(action, number=_TIMES, repeat=15)) / _TIMES * 1e6


def _ratios(costs: list[float], base: list[float]) -> list[float]:
    return [cost / one for cost, one in zip(costs, base, strict=True)]
