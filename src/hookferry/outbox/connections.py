"""Running a statement on whatever connection the application has.

Connections are known by the names of their classes: no driver is imported that the application did not.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Row = Mapping[str, Any]
Name = tuple[str, str]
"""A class's package and its own name."""

_PLACEHOLDER = re.compile(r":(\w+)")


def run(connection: Any, statement: str, row: Row | None = None) -> None:
    """Run a statement in the connection's transaction; `:column` stands for a value of the row.

    Raises TypeError for what is no connection, or an asynchronous one.
    """
    _of(_RUN, connection)(connection, statement, row)


async def arun(connection: Any, statement: str, row: Row | None = None) -> None:
    """As `run`, for asynchronous connections."""
    await _of(_ARUN, connection)(connection, statement, row)


def dialect_of(connection: Any) -> str:
    """`postgresql`, `sqlite`, or what SQLAlchemy and Django call another. Raises TypeError."""
    known = [package for package, name in _names(connection) if (package, name) in {**_RUN, **_ARUN}]
    match known:
        case []:
            raise _unknown(connection, _RUN)
        case ["sqlite3", *_]:
            return "sqlite"
        case ["django", *_]:
            return str(connection.vendor)
        case ["sqlalchemy", *_]:
            return str(
                (connection.get_bind() if hasattr(connection, "get_bind") else connection).dialect.name
            )
        case _:
            return "postgresql"


def _sqlite3(connection: Any, statement: str, row: Row | None) -> None:
    connection.execute(statement, row or ())


def _psycopg(connection: Any, statement: str, row: Row | None) -> None:
    connection.execute(_percent(statement, row), row)


def _sqlalchemy(connection: Any, statement: str, row: Row | None) -> None:
    from sqlalchemy import text

    connection.execute(text(statement), row)


def _django(connection: Any, statement: str, row: Row | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_percent(statement, row), row)


async def _apsycopg(connection: Any, statement: str, row: Row | None) -> None:
    await connection.execute(_percent(statement, row), row)


async def _asyncpg(connection: Any, statement: str, row: Row | None) -> None:
    names = _PLACEHOLDER.findall(statement) if row else []
    for number, name in enumerate(names, 1):
        statement = statement.replace(f":{name}", f"${number}", 1)
    await connection.execute(statement, *(row[name] for name in names if row))


async def _asqlalchemy(connection: Any, statement: str, row: Row | None) -> None:
    from sqlalchemy import text

    await connection.execute(text(statement), row)


def _percent(statement: str, row: Row | None) -> str:
    return _PLACEHOLDER.sub(r"%(\1)s", statement) if row else statement


_RUN: dict[Name, Callable[[Any, str, Row | None], None]] = {
    ("sqlite3", "Connection"): _sqlite3,
    ("psycopg", "Connection"): _psycopg,
    ("sqlalchemy", "Connection"): _sqlalchemy,
    ("sqlalchemy", "Session"): _sqlalchemy,
    ("sqlalchemy", "scoped_session"): _sqlalchemy,
    ("django", "ConnectionProxy"): _django,
    ("django", "BaseDatabaseWrapper"): _django,
}
_ARUN: dict[Name, Callable[[Any, str, Row | None], Awaitable[None]]] = {
    ("psycopg", "AsyncConnection"): _apsycopg,
    ("asyncpg", "Connection"): _asyncpg,
    ("asyncpg", "PoolConnectionProxy"): _asyncpg,
    ("sqlalchemy", "AsyncConnection"): _asqlalchemy,
    ("sqlalchemy", "AsyncSession"): _asqlalchemy,
    ("sqlalchemy", "async_scoped_session"): _asqlalchemy,
}


def _of(drivers: Mapping[Name, Any], connection: Any) -> Any:
    for name in _names(connection):
        if name in drivers:
            return drivers[name]
    raise _unknown(connection, drivers)


def _unknown(connection: Any, drivers: Mapping[Name, Any]) -> TypeError:
    names = _names(connection)
    hint = ""
    if any(name in _ARUN for name in names):
        hint = ": await the function with an `a` in front, such as `apublish`"
    elif any(name in _RUN for name in names):
        hint = ": call the function without an `a` in front, such as `publish`"
    wanted = ", ".join(sorted({".".join(name) for name in drivers}))
    return TypeError(f"{'.'.join(names[0])} is none of {wanted}{hint}")


def _names(connection: Any) -> list[Name]:
    """The names of a connection's class and of those that it inherits from."""
    return [(kind.__module__.partition(".")[0], kind.__name__) for kind in type(connection).__mro__]
