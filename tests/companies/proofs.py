"""The report of what companies ask for: which proofs hold. A plugin of pytest."""

from collections import Counter, defaultdict

import pytest

from tests.companies.requirements import BEYOND_TESTS, REQUIRED


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
