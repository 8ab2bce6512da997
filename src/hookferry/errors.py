"""What can go wrong, in one tree.

    HookferryError
    ├── Invalid                 the caller sent something that cannot be accepted (422)
    │   └── Malformed           it could not even be read (400)
    ├── TooLarge                a body over its limit (413)
    ├── NotFound                no such object, or another tenant's (404)
    ├── Conflict                it clashes with what is there (409)
    ├── Unauthenticated         no key, or not a valid one (401)
    ├── Forbidden               the key lacks the permission (403)
    ├── TooMany                 a quota of the tenant's is used up (429)
    ├── Unavailable             the store cannot write now (503)
    ├── Unreachable             a command cannot reach the server (exit code 6)
    ├── ConfigError             settings that cannot be used (exit code 2)
    ├── StartError              the process cannot start: file owned, port in use, no key (exit code 1)
    └── ContractError           a contract file that cannot be loaded (exit code 5)

What a receiver does wrong is no error: it is an `Outcome` (model.py).
"""


class HookferryError(Exception):
    """The root. `code` is one word of a closed set that clients can rely on; `field` names the culprit."""

    code = "internal"
    status = 500

    def __init__(self, message: str, *, code: str | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.number: int | None = None
        """Which of several it was about, from 0: the event of a batch."""
        self.retry_after: int | None = None
        """Seconds after which it is worth trying again, where somebody said so."""
        if code is not None:
            self.code = code


class Invalid(HookferryError):
    """The request was understood and cannot be accepted."""

    code = "invalid"
    status = 422


class Malformed(Invalid):
    """The request could not be read."""

    code = "malformed"
    status = 400


class TooLarge(HookferryError):
    """A body is over its limit."""

    code = "too_large"
    status = 413


class NotFound(HookferryError):
    """There is no such object, or it is another tenant's."""

    code = "not_found"
    status = 404


class Conflict(HookferryError):
    """The request clashes with what is there."""

    code = "conflict"
    status = 409


class Unauthenticated(HookferryError):
    """There is no key, or it is not a valid one."""

    code = "unauthenticated"
    status = 401


class Forbidden(HookferryError):
    """The key is valid and lacks the permission."""

    code = "forbidden"
    status = 403


class TooMany(HookferryError):
    """A quota of the tenant's is used up; nothing was stored. Try again in `retry_after` seconds."""

    code = "rate_limited"
    status = 429


class Unavailable(HookferryError):
    """The store cannot write now. Try again in `retry_after` seconds.

    Nothing of the request was stored, unless the answer of a database was lost.
    """

    code = "unavailable"
    status = 503

    def __init__(self, message: str, *, for_all: bool = False) -> None:
        super().__init__(message)
        self.retry_after = 5
        self.for_all = for_all
        """True if every other write would meet the same."""


class Unreachable(HookferryError):
    """A command cannot reach the server, or what answers there is no Hookferry."""

    code = "unreachable"


class ConfigError(HookferryError):
    """Settings that cannot be used."""

    code = "config"


class StartError(HookferryError):
    """The process cannot start."""

    code = "start"


class ContractError(HookferryError):
    """A contract file that cannot be loaded: file, line, what is wrong and what was probably meant."""

    code = "contract"
