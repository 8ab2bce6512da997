"""Break Hookferry on purpose: each break is a change of the code, and tests that must turn red.

`python -m tests.break_it` applies each to a copy of the repository and runs its tests there (`make break`).
"""
