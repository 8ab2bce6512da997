"""What commands read: texts, files, standard input."""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from hookferry.contracts import Contract
    from hookferry.model import ContractText


def read_bytes(text: str) -> bytes:
    """The text itself, the content of a file for `@FILE`, standard input for `-`. Raises OSError."""
    if text == "-":
        return sys.stdin.buffer.read()
    return Path(text[1:]).read_bytes() if text.startswith("@") else text.encode()


def read_text(text: str) -> str:
    """As `read_bytes`, for a secret or a list of headers: UTF-8, without blanks around it."""
    return read_bytes(text).decode(errors="replace").strip()


def read_headers(ctx: click.Context, option: click.Parameter, texts: Sequence[str]) -> dict[str, str]:
    """Headers from `NAME:VALUE`, or from a file of such lines for `@FILE`."""
    lines = [line for text in texts for line in read_text(text).splitlines() if line.strip()]
    return dict(pairs(lines, ":", option))


def read_labels(
    ctx: click.Context, option: click.Parameter, texts: Sequence[str]
) -> dict[str, list[str]] | None:
    """A scope from `LABEL=VALUE`, with all values of a label; None without any."""
    labels: dict[str, list[str]] = {}
    for label, value in pairs(texts, "=", option):
        labels.setdefault(label, []).append(value)
    return labels or None


def pairs(texts: Sequence[str], separator: str, option: click.Parameter) -> Iterator[tuple[str, str]]:
    """The two sides of each text, without blanks around them."""
    for text in texts:
        name, found, value = text.partition(separator)
        if not name or not found:
            raise click.BadParameter(f"expected {option.metavar}, got {text!r}", param=option)
        yield name.strip(), value.strip()


def read_contract(text: str) -> tuple["ContractText", "Contract"]:
    """A contract: a built-in one's name, or the path of a file NAME.toml. Raises ContractError."""
    from hookferry.contracts import builtin
    from hookferry.contracts.texts import builtin_text, read_file

    if names_file(text):
        return read_file(Path(text))
    return builtin_text(text), builtin(text)


def names_file(contract: str) -> bool:
    """True for a contract's path, false for a built-in one's name."""
    return contract.endswith(".toml") or os.sep in contract


contract_option = click.option(
    "--contract",
    default="standard",
    show_default=True,
    metavar="NAME|FILE",
    help="Whose wire format: a built-in contract, or a file NAME.toml.",
)


def check_json(text: bytes) -> None:
    """Raises Malformed for what is not JSON: between the braces of a request it could say anything."""
    import msgspec

    from hookferry.errors import Malformed

    try:
        text.decode()
        msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"The payload is not JSON: {error}.") from None
    except RecursionError:
        raise Malformed("The payload is nested too deeply.") from None
