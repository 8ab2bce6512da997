"""What publish costs a tenant of 10,000 endpoints of which one matches."""

from pathlib import Path

from bench.closed import drive
from bench.events import TYPE, event
from bench.receivers import counter
from bench.report import Row, at_most
from bench.run import Run
from bench.server import Server, Tenant, hookferry

_SCOPE = "dc-0"


def matching(run: Run) -> list[Row]:
    """The time that an event costs, as a ratio to a tenant with one endpoint: by event type and by scope."""
    count = run.scaled(10_000)
    with run.folder() as folder, counter(folder) as receiver, hookferry(folder) as server:
        url = f"{receiver.url}/hook"
        tenants = [
            _tenant(server, "one", [_endpoint(url, TYPE, _SCOPE)]),
            _tenant(server, "by-type", [_endpoint(url, type, _SCOPE) for type in _one_of(count, TYPE)]),
            _tenant(server, "by-scope", [_endpoint(url, TYPE, scope) for scope in _one_of(count, _SCOPE)]),
        ]
        rates = [
            [_accepted_rate(run, server, tenant, folder) for tenant in tenants] for _ in range(run.rounds)
        ]
    return [
        Row(
            "matching",
            f"cost, 1 of {count:,} matches by type / one endpoint",
            "",
            _costs(rates, 1),
            at_most(2),
        ),
        Row(
            "matching",
            f"cost, 1 of {count:,} matches by scope / one endpoint",
            "",
            _costs(rates, 2),
            at_most(2),
        ),
        Row("matching", "one endpoint, accepted", "events/s", [one[0] for one in rates]),
    ]


def _one_of(count: int, wanted: str) -> list[str]:
    return [wanted, *(f"{wanted}.{number}" for number in range(1, count))]


def _endpoint(url: str, type: str, scope: str) -> dict[str, object]:
    return {"url": url, "event_types": [type], "scope": {"dc_ids": [scope]}}


def _tenant(server: Server, id: str, endpoints: list[dict[str, object]]) -> Tenant:
    tenant = server.new_tenant(id)
    tenant.add_endpoints(endpoints)
    return tenant


def _accepted_rate(run: Run, server: Server, tenant: Tenant, folder: Path) -> float:
    load = drive(tenant.plan([event(scope=_SCOPE)], run.short), folder)
    server.drain()
    return load.accepted / load.seconds


def _costs(rates: list[list[float]], which: int) -> list[float]:
    return [round[0] / round[which] for round in rates]
