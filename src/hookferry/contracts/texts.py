"""Contracts as they are written: the texts that come with Hookferry, and those of files."""

from pathlib import Path

from hookferry.contracts.load import builtin, builtin_names, builtin_texts, load
from hookferry.contracts.model import Contract
from hookferry.contracts.source import line_of
from hookferry.errors import ContractError
from hookferry.model import ContractText

_TOML, _VECTORS = ".toml", ".vectors.toml"


def builtin_text(name: str) -> ContractText:
    """The text of a contract that comes with Hookferry. Raises ContractError."""
    return ContractText(builtin(name).version, name, *builtin_texts(name))


def read_file(path: Path) -> tuple[ContractText, Contract]:
    """The contract of a file NAME.toml, checked against NAME.vectors.toml where that stands beside it.

    Raises ContractError, with file and line.
    """
    vectors = path.with_name(path.name.removesuffix(_TOML) + _VECTORS)
    text, golden = _read(path), _read(vectors) if vectors.exists() else None
    contract = load(text, str(path), golden)
    return ContractText(contract.version, contract.name, text, golden), contract


def read_folder(folder: Path) -> list[tuple[ContractText, Contract]]:
    """The contracts of all files NAME.toml of a folder, each under the name that it says itself.

    Raises ContractError, with file and line.
    """
    if not folder.is_dir():
        raise ContractError(f"{folder}: contracts_dir names no folder that is there", field="contracts_dir")
    paths = {path.name: path for path in sorted(folder.glob(f"*{_TOML}"))}
    for name, path in paths.items():
        if name.endswith(_VECTORS) and name.removesuffix(_VECTORS) + _TOML not in paths:
            raise ContractError(f"{path}: vectors without a contract {name.removesuffix(_VECTORS)}{_TOML}")
    return [_named(path) for name, path in paths.items() if not name.endswith(_VECTORS)]


def _named(path: Path) -> tuple[ContractText, Contract]:
    text, contract = read_file(path)
    where = f"{path}:{line_of(text.text, ('name',))}: name"
    if text.name != path.name.removesuffix(_TOML):
        raise ContractError(f"{where}: the contract {text.name} belongs into a file {text.name}{_TOML}")
    if text.name in builtin_names():
        raise ContractError(f"{where}: {text.name} is a built-in contract; choose another name")
    return text, contract


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        line = 1 + error.object[: error.start].count(b"\n")
        raise ContractError(f"{path}:{line}: not UTF-8") from None
    except OSError as error:
        raise ContractError(f"{path}: {error.strerror}") from None
