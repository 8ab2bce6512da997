"""Reading a contract file: every key is read by a function that refuses, and a refusal has its line."""

import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import NoReturn, TypeVar

from hookferry.errors import ContractError

T = TypeVar("T")
D = TypeVar("D")
V = TypeVar("V")
Path = tuple[str | int, ...]

_BARE = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_DOTTED = rf"{_BARE}(?:\s*\.\s*{_BARE})*"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_DOTTED})\s*\]")
_KEY = re.compile(rf"\s*({_DOTTED})\s*=")
_LONG_TEXT = re.compile(r"'''.*?'''|\"{3}.*?\"{3}", re.DOTALL)
# tomllib keeps every part of every key in every part's place: a key of 100,000 parts took all memory.
_ENDLESS = re.compile(rf"(?<![\w.-])(?:{_BARE}\s*\.\s*){{30}}")
_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)$")


def meant(word: str, known: Iterable[str]) -> str:
    """What to say after an unknown word: the one that was probably meant, or else all that there are.

    Of words with a form behind a colon only what is before it is listed.
    """
    words = list(known)
    close = get_close_matches(word, words, n=1)
    return f"did you mean {close[0]}?" if close else f"known here: {', '.join(_short(words))}"


def _short(words: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(word.partition(":")[0] for word in words)


class Table:
    """A table of a contract file while it is read. Each key is taken once; what nobody took is unknown.

    The functions that read a value raise ValueError with what is wrong; it becomes a ContractError.
    Its mutable state is what is left to take.
    """

    def __init__(self, values: dict[str, object], text: str, file: str, path: Path = ()) -> None:
        self._left = dict(values)
        self._asked: list[str] = []
        self._text = text
        self._file = file
        self._path = path

    @property
    def keys(self) -> list[str]:
        """The keys that are left, in the order of the file."""
        return list(self._left)

    def take(self, key: str, read: Callable[[object], T]) -> T:
        """The value of a key that must be there. Raises ContractError."""
        self._asked.append(key)
        if key not in self._left:
            self._refuse_misspelt(key)
            self.refuse((), f"the key {key} is missing")
        return self._read((key,), read, self._left.pop(key))

    def take_or(self, key: str, read: Callable[[object], T], default: D) -> T | D:
        """The value of a key that may be left out. Raises ContractError."""
        self._asked.append(key)
        return self._read((key,), read, self._left.pop(key)) if key in self._left else default

    def many(self, key: str, read: Callable[[object], T]) -> tuple[T, ...]:
        """The values of an array with at least one element. Raises ContractError."""
        values = self.take(key, _array)
        return tuple(self._read((key, index), read, value) for index, value in enumerate(values))

    def table(self, key: str, build: Callable[["Table"], T]) -> T:
        """What `build` makes of an inner table, all of whose keys it must take. Raises ContractError."""
        return self._inner((key,), build, self.take(key, _mapping))

    def table_or(self, key: str, build: Callable[["Table"], T], default: D) -> T | D:
        """The same for an inner table that may be left out. Raises ContractError."""
        self._asked.append(key)
        return self.table(key, build) if key in self._left else default

    def tables(self, key: str, build: Callable[["Table"], T]) -> tuple[T, ...]:
        """What `build` makes of each table of an array, which may be left out. Raises ContractError."""
        self._asked.append(key)
        if self.holds(key, dict):
            self.refuse((key,), f"expected an array of tables, [[{key}]]")
        values = self.many(key, _mapping) if key in self._left else ()
        return tuple(self._inner((key, index), build, value) for index, value in enumerate(values))

    def holds(self, key: str, kind: type = object) -> bool:
        """True if a key is left whose value is of a kind, such as dict for an inner table."""
        self._asked.append(key)
        return key in self._left and isinstance(self._left[key], kind)

    def refuse(self, path: Path, problem: str) -> NoReturn:
        """Raise ContractError for something in this table."""
        whole = self._path + path
        name = ".".join(str(part) for part in whole if isinstance(part, str))
        where = f"{self._file}:{line_of(self._text, whole)}"
        raise ContractError(f"{where}: {name + ': ' if name else ''}{problem}", field=name or None)

    def _read(self, path: Path, read: Callable[[V], T], value: V) -> T:
        try:
            return read(value)
        except ValueError as error:
            self.refuse(path, str(error))

    def _inner(self, path: Path, build: Callable[["Table"], T], values: dict[str, object]) -> T:
        inner = Table(values, self._text, self._file, self._path + path)
        built = self._read(path, build, inner)
        inner.finish()
        return built

    def finish(self) -> None:
        """Refuse what nobody took. Raises ContractError."""
        for key in self._left:
            self.refuse((key,), f"unknown key; {meant(key, self._asked)}")

    def _refuse_misspelt(self, key: str) -> None:
        close = get_close_matches(key, self._left, n=1)
        if close:
            self.refuse((close[0],), f"unknown key; did you mean {key}?")


def read_file(text: str, file: str, build: Callable[[Table], T]) -> T:
    """What `build` makes of a whole TOML file, all of whose keys it must take. Raises ContractError."""
    try:
        root = Table(_parsed(text, file), text, file)
        built = build(root)
    except RecursionError:
        raise ContractError(f"{file}:1: nested too deeply") from None
    root.finish()
    return built


def _parsed(text: str, file: str) -> dict[str, object]:
    if endless := _ENDLESS.search(text):
        number = text.count("\n", 0, endless.start()) + 1
        raise ContractError(f"{file}:{number}: nested too deeply")
    try:
        return tomllib.loads(text)
    except ValueError as error:
        line = _AT_LINE.search(str(error))
        where = f"{file}:{line[1] if line else len(text.splitlines())}"
        raise ContractError(f"{where}: {_AT_LINE.sub('', str(error))}") from None


def line_of(text: str, path: Path) -> int:
    """The line, from 1, of the key at a path, or of the nearest thing around it.

    A small scan: tomllib keeps no positions. Texts of several lines are taken out before, as lines of a
    JSON Schema can look like tables and keys.
    """
    best, depth = 1, 0
    table: Path = ()
    arrays: Counter[Path] = Counter()
    for number, line in enumerate(_LONG_TEXT.sub(_as_many_lines, text).splitlines(), 1):
        if header := _HEADER.match(line):
            table = here = _table_path(header, arrays)
        elif key := _KEY.match(line):
            here = table + _names(key[1])
        else:
            continue
        if len(here) > depth and path[: len(here)] == here:
            best, depth = number, len(here)
    return best


def _as_many_lines(found: re.Match[str]) -> str:
    return "\n" * found[0].count("\n")


def _table_path(header: re.Match[str], arrays: Counter[Path]) -> Path:
    path: Path = ()
    names = _names(header[2])
    for name in names[:-1]:
        path += (name,)
        if arrays[path]:
            path += (arrays[path] - 1,)
    path += names[-1:]
    if header[1] == "[[":
        arrays[path] += 1
        path += (arrays[path] - 1,)
    return path


def _names(dotted: str) -> Path:
    return tuple(name.strip("\"'") for name in re.findall(_BARE, dotted))


def _array(value: object) -> list[object]:
    if not isinstance(value, list) or not value:
        raise ValueError("expected an array with at least one element")
    return value


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError("expected a table")
    return value
