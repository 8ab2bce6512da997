"""Events a second in each of the five companies' contracts, beside `standard`."""

from bench.events import payload
from bench.receivers import counter
from bench.report import Row
from bench.run import Run
from bench.server import hookferry
from bench.throughput import settled_rate
from hookferry.contracts import builtin

COMPANIES = ("opentrack", "y42", "tracktile", "octopi", "foxtrot")


def contracts(run: Run) -> list[Row]:
    """The whole way with 0.3 KB of payload: what a body of its own, another text and other rules cost."""
    rates: dict[str, list[float]] = {name: [] for name in ("standard", *COMPANIES)}
    for _ in range(run.rounds):
        for name, found in rates.items():
            found.append(_settled(run, name))
    base = rates.pop("standard")
    ratios = {
        name: [mine / theirs for mine, theirs in zip(found, base, strict=True)]
        for name, found in rates.items()
    }
    return [
        *(Row("contracts", f"{name} / standard", "", found) for name, found in ratios.items()),
        *(Row("contracts", f"{name}, settled", "events/s", found) for name, found in rates.items()),
        Row("contracts", "standard, settled", "events/s", base),
    ]


def _settled(run: Run, name: str) -> float:
    contract = builtin(name)
    feature = contract.access.feature
    type = next(iter(contract.catalogue), "bench.order")
    with run.folder() as folder, counter(folder) as receiver, hookferry(folder) as server:
        tenant = server.new_tenant(contract=name, features=[feature] if feature else [])
        endpoint = tenant.add_endpoint(f"{receiver.url}/hook", type)
        if contract.secrets.giver == "operator":
            tenant.rotate(endpoint)
        body = f'{{"type": "{type}", "payload": {payload(300)}}}'
        return settled_rate(server, tenant.plan([body], run.short), receiver, folder)
