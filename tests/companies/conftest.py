"""A server that speaks the company's API at its root, a tenant, a receiver; and the report of proofs.

A test module of a company says which one it is: `COMPANY = "opentrack"`.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator

import pytest

from hookferry.receiver import Receiver
from tests.companies.company import Company, tenant_of
from tests.companies.requirements import BEYOND_TESTS, REQUIRED
from tests.e2e.conftest import LOOPBACK, serving
from tests.support.process import ServerProcess

# 30 minutes take 0.2 seconds.
FAST = ("--dev", "--time-scale", "10000")


@pytest.fixture(scope="module")
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """`hookferry serve --contract NAME`, its retries in fast motion; it may reach loopback."""
    name = request.module.COMPANY
    yield from serving(tmp_path_factory.mktemp(name), *LOOPBACK, *FAST, "--contract", name)


@pytest.fixture
async def company(request: pytest.FixtureRequest, server: ServerProcess) -> AsyncIterator[Company]:
    """A new tenant of the company's contract."""
    async with tenant_of(server, request.module.COMPANY) as one:
        yield one


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Records what arrives; `answer(target, ...)` says what a target answers."""
    async with Receiver() as receiver:
        yield receiver


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let each report say what its test proves."""
    for item in items:
        for mark in item.iter_markers("proves"):
            item.user_properties += [("proves", (id, mark.kwargs.get("part", ""))) for id in mark.args]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A line for each id: whether its proofs hold, and which they are."""
    proofs = _proofs(terminalreporter)
    for company, ids in REQUIRED.items():
        if proofs.keys().isdisjoint(ids):
            continue
        terminalreporter.section(f"what {company} asks for")
        for id in ids:
            if id in proofs:
                outcomes = {outcome for outcome, _ in proofs[id]}
                held = next(held for held in ("FAILED", "skipped", "passed") if held.lower() in outcomes)
                tests = Counter(test for _, test in proofs[id])
                said = [f"{test} ({count} cases)" if count > 1 else test for test, count in tests.items()]
                terminalreporter.line(f"{id} {held}: {', '.join(said)}")
            else:
                terminalreporter.line(f"{id} not run: {BEYOND_TESTS.get(id, 'no test of it was chosen')}")


def _proofs(reporter: pytest.TerminalReporter) -> dict[str, list[tuple[str, str]]]:
    """By id: what became of each case that proves it, and its test's name with the part that it proves."""
    found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in reporter.stats.get(outcome, []):
            for name, value in getattr(report, "user_properties", []):
                if name == "proves":
                    id, part = value
                    test = report.nodeid.rpartition("::")[2].partition("[")[0]
                    held = "failed" if outcome == "error" else outcome
                    found[id].append((held, test + (f" ({part})" if part else "")))
    return found
