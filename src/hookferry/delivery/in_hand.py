"""How much a process has in hand, of all endpoints together."""

from hookferry.model import Work

# Beyond it the database keeps what is published: this bounds memory.
_ROOM = 16 * 1024 * 1024
# With more in memory than this only lanes that are short of work claim any.
_ENOUGH = 4096


class InHand:
    """Its mutable state: how many deliveries wait, are on their way or have room taken, and their bytes."""

    def __init__(self) -> None:
        self.count = 0
        self._bytes = 0

    def has_room(self, size: int) -> bool:
        """True if a delivery of `size` bytes may be handed over."""
        return self._bytes + size <= _ROOM

    @property
    def crowded(self) -> bool:
        """True if there is so much that no more than can be sent should be claimed."""
        return self._bytes > _ROOM // 2 or self.count > _ENOUGH

    def add(self, size: int) -> None:
        """One more, of `size` bytes."""
        self.count += 1
        self._bytes += size

    def remove(self, size: int) -> None:
        """One less."""
        self.count -= 1
        self._bytes -= size


def size_of(work: Work) -> int:
    """How many bytes a delivery takes: those of its payload, which count most."""
    return len(work.event.payload or b"")
