"""Publishing claimed rows: batches of each tenant's, and a bad row found among good ones."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Protocol

import msgspec
from msgspec import UNSET, Raw, UnsetType

from hookferry.errors import (
    ConfigError,
    Conflict,
    Forbidden,
    HookferryError,
    Invalid,
    NotFound,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unreachable,
)
from hookferry.outbox.table import Done, Row

# Many proxies take a megabyte and no more, and say so in a way that is no answer of Hookferry's.
_BATCH_BYTES = 900_000

_REFUSED = (Invalid, TooLarge, Conflict)
_STANDS_IN_THE_WAY = (Unreachable, Unavailable, Unauthenticated, Forbidden, ConfigError)


class Api(Protocol):
    """Hookferry's API. Calls block, and several threads call at once.

    Raises the error that the answer names, Unreachable without one.
    """

    def publish(self, tenant: str, events: bytes) -> None:
        """Publish a JSON array of a tenant's events, all or none."""
        ...

    def knows(self, tenant: str, key: str) -> bool:
        """True if there is an event with this idempotency key."""
        ...


class _Event(msgspec.Struct, omit_defaults=True):
    """A row as the API takes it."""

    type: str
    payload: Raw
    idempotency_key: str
    occurred_at: str | UnsetType = UNSET
    changes: Raw | UnsetType = UNSET
    scope: Raw | UnsetType = UNSET


Entry = tuple[Row, bytes]
"""A row and its event's JSON."""


async def publish(api: Api, rows: Sequence[Row]) -> Done:
    """Publish rows, each as one event however often it is tried; tenants beside one another."""
    done = Done(len(rows))
    tenants = groupby(sorted(rows, key=lambda row: row.tenant), lambda row: row.tenant)
    parts = [_Tenant(api, tenant, done).publish(list(own)) for tenant, own in tenants]
    await asyncio.gather(*parts)
    return done


class _Tenant:
    """Publishes the rows of one tenant, and notes in `done`, which all share, what became of them."""

    def __init__(self, api: Api, tenant: str, done: Done) -> None:
        self._api = api
        self._tenant = tenant
        self._done = done

    async def publish(self, rows: list[Row]) -> None:
        try:
            entries = [entry for row in rows if (entry := self._entry(row))]
            for batch in _batches(await self._unknown(entries)):
                await self._send(batch)
        except _STANDS_IN_THE_WAY as error:
            self._done.trouble = error
        except HookferryError as error:
            self._done.held[self._tenant] = error

    async def _unknown(self, entries: list[Entry]) -> list[Entry]:
        """Those that are not published yet. For a day their keys tell by themselves; then one has to ask."""
        unknown = []
        for entry in entries:
            row, _ = entry
            if row.aged and await self._knows(row):
                self._done.published.append(row.id)
            else:
                unknown.append(entry)
        return unknown

    async def _knows(self, row: Row) -> bool:
        try:
            return await asyncio.to_thread(self._api.knows, row.tenant, row.id)
        except (*_REFUSED, NotFound):
            return False  # to publish it will be refused as well, and says why

    def _entry(self, row: Row) -> Entry | None:
        """None for a row that is no JSON: in a batch it could say anything, of other rows too."""
        try:
            row.tenant.encode()
            event = _Event(
                row.type,
                _checked(row.payload),
                row.id,
                row.occurred_at or UNSET,
                _checked(row.changes) if row.changes else UNSET,
                _checked(row.scope) if row.scope else UNSET,
            )
            return row, msgspec.json.encode(event)
        except (ValueError, RecursionError, msgspec.MsgspecError) as error:
            self._fail([row], f"The row is no event: {error}.")
            return None

    async def _send(self, batch: list[Entry]) -> None:
        """Publish a batch; where it is refused, cut it until those at fault stand alone."""
        if not batch or self._done.trouble is not None:
            return
        rows = [row for row, _ in batch]
        events = b"[%b]" % b",".join(event for _, event in batch)
        try:
            await asyncio.to_thread(self._api.publish, self._tenant, events)
        except NotFound as error:
            self._fail(rows, error.message)
        except _REFUSED as error:
            if len(batch) == 1:
                self._fail(rows, error.message)
                return
            if error.number is not None and error.number < len(batch):
                self._fail([batch.pop(error.number)[0]], error.message)
            middle = (len(batch) + 1) // 2
            await self._send(batch[:middle])
            await self._send(batch[middle:])
        else:
            self._done.published += [row.id for row in rows]

    def _fail(self, rows: list[Row], error: str) -> None:
        self._done.failed.update((row.id, error) for row in rows)


def _checked(text: str) -> Raw:
    msgspec.json.decode(text)
    return Raw(text.encode())


def _batches(entries: list[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        if batch and size + len(entry[1]) > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += len(entry[1])
    yield batch
