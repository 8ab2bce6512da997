"""Log lines: structured, on standard error, JSON by default."""

import logging
import sys
import traceback
from contextlib import suppress
from typing import Any, BinaryIO, TextIO, cast

import msgspec
import structlog

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

_encode = msgspec.json.Encoder().encode


def configure(format: str, level: str) -> None:
    """Set up structlog and the standard library's logging for this process: `json` or `console`."""
    out = cast(TextIO, _Patient(sys.stderr))
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if format == "console"
        else structlog.processors.JSONRenderer(_as_text)
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=_LEVELS[level], force=True)


def described(error: BaseException) -> dict[str, Any]:
    """A bug for the log: only where it happened, for the error's own words may quote a secret."""
    return {"error": type(error).__name__, "trace": traceback.format_tb(error.__traceback__)}


def _as_text(value: Any, **_: Any) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()


class _Patient:
    """A file that may fail: where nobody reads the log any more, or its disk is full, work goes on."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._out.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._out.flush()


class Lines:
    """Wide lines, many at a time: one `write` for a batch, where structlog flushes each line."""

    def __init__(self, format: str, level: str, out: BinaryIO | None = None) -> None:
        self._out = out or sys.stderr.buffer
        self._console = format == "console"
        self._least = _LEVELS[level]

    def write(self, lines: list[Any]) -> None:
        """Write those that are severe enough, one a line. A line has `time`, `level` and `event`."""
        wanted = [line for line in lines if _LEVELS[line.level] >= self._least]
        try:
            self._out.write(b"".join([self._render(line) for line in wanted]))
            self._out.flush()
        except OSError:
            return  # as above: deliveries go on

    def _render(self, line: Any) -> bytes:
        if not self._console:
            return _encode(line) + b"\n"
        fields = msgspec.to_builtins(line)
        head = f"{fields.pop('time')} {fields.pop('event'):<10}"
        rest = " ".join(f"{name}={value}" for name, value in fields.items() if value is not None)
        return f"{head} {rest}\n".encode()
