"""The breaks still fit the code; whether they are seen is `make break`'s question."""

import pytest

from tests.break_it.__main__ import ROOT
from tests.break_it.breaks import BREAKS, Break, Patch

PATCHES = [patch for one in BREAKS for patch in one.patches]


@pytest.mark.parametrize("patch", PATCHES, ids=lambda patch: f"{patch.file}: {patch.old.strip()}")
def test_patches_fit(patch: Patch) -> None:
    """What a break changes is there, once."""
    assert (ROOT / "src/hookferry" / patch.file).read_text("utf-8").count(patch.old) == 1


@pytest.mark.parametrize("one", BREAKS, ids=lambda one: one.name)
def test_tests_exist(one: Break) -> None:
    """The tests that see a break are there."""
    for test in one.tests:
        file, _, name = test.partition("::")
        assert f"def {name.partition('[')[0]}(" in (ROOT / file).read_text("utf-8")
