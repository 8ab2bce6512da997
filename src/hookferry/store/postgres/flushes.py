"""Commits that do not wait for the disk: the next one that does takes them along."""

import asyncio
from typing import Any

# Seconds to wait for somebody else's commit.
_PATIENCE = 0.05


class Flushes:
    """PostgreSQL writes its log in order: what was committed before a commit began is on disk once that is.

    That commit has to wait for the disk, and to have written something. And the server must not have crashed
    in between: a session that was open all the time proves it, for a crash ends every session.

    Its mutable state is who waits: for a commit of which `session`, if any.
    """

    def __init__(self) -> None:
        self.session: Any = None
        self._flushed = asyncio.Event()

    async def awaited(self, session: Any) -> bool:
        """Wait until a commit of a session, begun from now on, is on disk; False if there was none soon.

        Only one may wait at a time. The session was open before what it is to take along was committed.
        """
        self.session, self._flushed = session, asyncio.Event()
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._flushed.wait()
        except TimeoutError:
            return False
        finally:
            self.session = None
        return True

    def begun(self, session: Any) -> asyncio.Event:
        """To be set once what a session is about to commit is on disk."""
        return self._flushed if session is self.session else asyncio.Event()
