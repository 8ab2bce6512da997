"""When an endpoint counts as unwell, and how it is treated then: the numbers, in milliseconds. Pure."""

from msgspec import Struct
from msgspec.structs import replace

_SECOND = 1000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


class Policy(Struct, frozen=True):
    """The numbers. A contract that promises its own times turns the breaker and disabling off (OT-19, 20)."""

    breaker: bool = True
    disabling: bool = True
    consecutive: int = 10
    """Failures without a success that open the breaker. One retry's worth of bad luck opens nothing."""
    share: float = 0.8
    """It opens only if of the window's attempts at least this share failed. A receiver that takes every
    second attempt delivers everything in two: parking it would make that slower (FAULTS, 26)."""
    sample: int = 40
    """As many attempts in a window open it by their share alone, though some succeeded. With fewer, one that
    takes half by chance would be opened now and then: of 40, 32 fail in 1 of 10,000 windows."""
    window: int = _MINUTE
    probe_first: int = 5 * _SECOND
    """The first probe. A restart of a receiver takes about as long."""
    probe_longest: int = 5 * _MINUTE
    """Probes wait twice as long each time, up to this: so soon is a recovery noticed after any outage."""
    patience: int = 90 * _SECOND
    """When a probe of which nothing is heard is given up: longer than any request may take."""
    jitter: float = 0.2
    """The share that waits grow by, so that endpoints of one host are not probed together."""
    successes: int = 3
    """Successful probes that close it: one may be luck."""
    calm: int = 10 * _MINUTE
    """One that opens again goes on with its long waits, less one doubling for each of these that it stayed
    closed, so that it changes state less and less often (FAULTS, 26)."""
    double: int = _SECOND
    """The ramp: from one request in flight, twice as many after each of these; 32 after five (FAULTS, 25)."""
    pause_least: int = _SECOND
    """How long a throttled endpoint rests that did not say how long (FAULTS, 22)."""
    pause_longest: int = _HOUR
    """The ceiling of what it may ask for all of its deliveries. A single one's is its contract's."""
    warn_after: tuple[int, ...] = (_HOUR, _DAY, 3 * _DAY)
    """Without a success, when somebody is told. The first is soon enough to mend it the same day."""
    disable_after: int = 5 * _DAY
    """Without a success. A long weekend must not disable anything."""
    disable_exhausted: int = 10
    """Deliveries lost meanwhile, at least: one poor event must not disable an endpoint of little traffic."""

    def scaled(self, factor: float) -> "Policy":
        """All waits `factor` times shorter, for development. What requests take stays as it is."""

        def shorter(wait: int) -> int:
            return max(1, round(wait / factor))

        return replace(
            self,
            probe_first=shorter(self.probe_first),
            probe_longest=shorter(self.probe_longest),
            calm=shorter(self.calm),
            double=shorter(self.double),
            pause_least=shorter(self.pause_least),
            pause_longest=shorter(self.pause_longest),
            warn_after=tuple(map(shorter, self.warn_after)),
            disable_after=shorter(self.disable_after),
        )

    def interval(self, step: int, chance: float) -> int:
        """How long to wait for a probe after `step` doublings. `chance` in [0, 1) is for jitter."""
        return self._spread(min(self.probe_longest, self.probe_first << step), chance)

    def pause(self, asked: int, chance: float) -> int:
        """How long a throttled endpoint rests that asked for so long."""
        return self._spread(min(max(asked, self.pause_least), self.pause_longest), chance)

    def _spread(self, wait: int, chance: float) -> int:
        return int(wait * (1 + self.jitter * chance))

    @property
    def most_steps(self) -> int:
        """The doublings after which the wait for a probe grows no more."""
        return (-(-self.probe_longest // self.probe_first) - 1).bit_length()

    @property
    def longest_wait(self) -> int:
        """No endpoint is parked for longer than this at a time."""
        return max(self._spread(max(self.probe_longest, self.pause_longest), 1), self.patience)
