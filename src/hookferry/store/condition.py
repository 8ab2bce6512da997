"""How a PostgreSQL database is, for `doctor`: what it is set to, what we may do in it, how far away it is."""

import msgspec

PER_PROCESS = 9
"""Connections of a process: 8 for its work and one that listens."""


class Condition(msgspec.Struct, frozen=True):
    """How it was when it was asked. Times are in seconds.

    `connections` are for all machines together, less what is reserved; `others` of them are taken by other
    users now. `ahead` is the database's clock against ours, `away` a round trip. `key_fits` is None where
    nothing was encrypted yet.
    """

    pending: tuple[str, ...]
    key_fits: bool | None
    away: float
    version: str
    read_only: bool
    may_migrate: bool
    ahead: float
    connections: int
    others: int
    vacuums: bool
    syncs: bool
    whole_pages: bool
    waits_for_disk: bool
