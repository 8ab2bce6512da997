"""The breaks: mistakes that webhook senders make, or that we were about to make."""

from typing import NamedTuple


class Patch(NamedTuple):
    """A text of a file in src/hookferry, which is there once, and what stands there instead."""

    file: str
    old: str
    new: str


class Break(NamedTuple):
    """A mistake, and the tests that see it."""

    name: str
    patches: tuple[Patch, ...]
    tests: tuple[str, ...]


BREAKS = (
    Break(
        "enqueue after the commit: the event is stored, its deliveries are in memory alone",
        (
            Patch(
                "service/publish.py",
                "await self._store.ingest(planned)",
                "await self._store.ingest([msgspec.structs.replace(one, deliveries=()) for one in planned])",
            ),
        ),
        ("tests/faults/test_01_to_04_killed.py::test_fault_02_killed_between_commit_and_answer",),
    ),
    Break(
        "settle before the send",
        (
            Patch(
                "delivery/executor.py",
                "            result = await self._sender.send(request, partial(self._still, endpoint))\n",
                "            self._store.settle(Settlement(work, DeliveryStatus.SUCCEEDED, started_at))\n"
                "            result = await self._sender.send(request, partial(self._still, endpoint))\n",
            ),
        ),
        (
            "tests/e2e/test_stop.py::test_killed_while_sending",
            "tests/delivery/test_engine.py::test_a_failure_is_retried_after_its_delay",
        ),
    ),
    Break(
        "a guard that looks at names only",
        (
            Patch(
                "delivery/guard.py",
                "        permitted = [address for address in addresses if self.permits(address)]\n",
                '        permitted = list(addresses) if "." in host else []\n',
            ),
        ),
        (
            "tests/sender/test_guard.py::test_rebinding",
            "tests/sender/test_guard.py::test_hostile_urls_are_never_dialled",
            "tests/e2e/test_egress.py::test_refused_when_dialled",
        ),
    ),
    Break(
        "a lease without a token, on SQLite",
        (
            Patch("store/sqlite/queries/queue.sql", "where q.token = v.column3\n", "where true\n"),
            Patch(
                "store/sqlite/queries/queue.sql",
                "where q.token = v.column3 and q.status = 'pending'\n",
                "where q.status = 'pending'\n",
            ),
        ),
        ("tests/store/test_queue.py::test_a_result_is_refused_once_a_newer_claim_has_been_made[sqlite]",),
    ),
    Break(
        "a lease without a token, on PostgreSQL",
        (
            Patch("store/postgres/queries/queue.sql", "where q.token = v.token\n", "where true\n"),
            Patch("store/postgres/queries/hot.sql", " and queue.token = v.token", ""),
        ),
        ("tests/store/test_queue.py::test_a_result_is_refused_once_a_newer_claim_has_been_made[postgres]",),
    ),
    Break(
        "a change is answered before the other processes have seen it",
        (
            Patch(
                "store/postgres/__init__.py",
                "            await self._watcher.seen_by_all(version)\n",
                "",
            ),
        ),
        ("tests/faults/test_16_changes.py::test_fault_16_rotated_while_the_worker_is_cut_off",),
    ),
    Break(
        "a worker sends on what it knew before it slept",
        (
            Patch(
                "store/postgres/__init__.py",
                "return self._watcher.fresh and self.clock.now() < self._until",
                "return True",
            ),
        ),
        (
            "tests/faults/test_06_stopped.py::test_fault_06_what_waited_in_its_memory_is_not_sent",
            "tests/faults/test_16_changes.py::test_fault_16_rotated_while_the_worker_slept",
        ),
    ),
    Break(
        "no second look once a connection is made",
        (Patch("delivery/sender.py", "        if not still():\n", "        if False:\n"),),
        (
            "tests/faults/test_16_changes.py::test_fault_16_rotated_while_a_connection_is_made",
            "tests/faults/test_16_changes.py::test_fault_16_paused_while_a_connection_is_made",
            "tests/faults/test_16_changes.py::test_fault_16_a_sleep_while_a_connection_is_made",
            "tests/faults/test_16_changes.py::test_fault_16_a_lease_that_lapsed_while_a_connection_is_made",
        ),
    ),
    Break(
        "what a new connection overtook is sent at once, whoever has its lease",
        (
            Patch(
                "delivery/executor.py",
                "            self.give_back(work)\n        except asyncio.CancelledError:",
                "            await self.deliver(work)\n        except asyncio.CancelledError:",
            ),
        ),
        ("tests/faults/test_16_changes.py::test_fault_16_a_lease_that_lapsed_while_a_connection_is_made",),
    ),
    Break(
        "a result is thrown away where the database is away",
        (Patch("store/settlements.py", "            self._again.append(member)\n", ""),),
        ("tests/faults/test_07_to_11_database.py::test_fault_07_a_success_is_not_lost",),
    ),
    Break(
        "the work is found by notifications alone",
        (Patch("delivery/dispatcher.py", "_POLL = 1000\n", "_POLL = 3_600_000\n"),),
        ("tests/faults/test_07_to_11_database.py::test_fault_11_no_notifications",),
    ),
    Break(
        "a result is told as settled before it is on disk",
        (
            Patch(
                "store/postgres/__init__.py",
                "on_disk = await self._flushes.awaited(publishing)",
                "on_disk = True",
            ),
        ),
        ("tests/store/test_flushes.py::test_a_crash_before_that_loses_no_result",),
    ),
    Break(
        "a result that is tried again is told although nothing was written",
        (
            Patch(
                "store/postgres/__init__.py",
                "if not on_disk or any(one.stale for one in settled):",
                "if not on_disk:",
            ),
        ),
        ("tests/store/test_flushes.py::test_a_crash_after_a_second_try_loses_no_result",),
    ),
    Break(
        "a result is on disk once a publish is that had begun before",
        (
            Patch(
                "store/postgres/__init__.py",
                "                on_disk.set()\n",
                "                self._flushes.begun(connection).set()\n",
            ),
        ),
        ("tests/store/test_flushes.py::test_the_publish_that_hangs_is_not_enough",),
    ),
    Break(
        "a result is on disk once any publish is",
        (
            Patch(
                "store/postgres/flushes.py",
                "return self._flushed if session is self.session else asyncio.Event()",
                "return self._flushed",
            ),
        ),
        ("tests/store/test_flushes.py::test_a_commit_of_another_session_does_not",),
    ),
)
