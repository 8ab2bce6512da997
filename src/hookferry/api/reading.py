"""Reading what callers send: bodies and queries into structs, with errors that name the field."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar, get_args, get_origin

import msgspec
from litestar.connection import Request
from litestar.datastructures import MultiDict
from litestar.exceptions import HTTPException, InternalServerException

from hookferry.errors import Invalid, Malformed
from hookferry.service.payloads import DEPTH

T = TypeVar("T")

AnyRequest = Request[Any, Any, Any]

_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`")
_PATH = re.compile(r" - at `\$(?:\[(\d+)\])?\.?(.*)`\Z", re.DOTALL)


async def read_body(request: AnyRequest) -> Any:
    """The body as the type that the handler's `given` is annotated with. No body reads as `{}`."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    try:
        body = await request.body()
    except InternalServerException:
        raise Malformed("The request ended before its body was whole.") from None
    if body and kind != "application/json" and not kind.endswith("+json"):
        raise HTTPException(status_code=415)
    return decode(body or b"{}", _annotation(request, "given"))


def read_query(request: AnyRequest) -> Any:
    """The query as the type that the handler's `asked` is annotated with."""
    return convert(request.query_params, _annotation(request, "asked"))


def _annotation(request: AnyRequest, name: str) -> Any:
    return request.route_handler.parsed_fn_signature.parameters[name].annotation


def decode(body: bytes, type: type[T]) -> T:
    """A JSON text as a struct. Raises Malformed or Invalid."""
    try:
        if not body.isascii():
            body.decode()  # msgspec does not look into what it keeps raw
        return msgspec.json.decode(body, type=type)
    except msgspec.ValidationError as error:
        raise invalid(error, type.__struct_fields__) from error  # type: ignore[attr-defined]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"The body is not valid JSON: {error}.") from error
    except RecursionError as error:
        raise Malformed(f"The body is nested more than {DEPTH} deep.", code="too_deep") from error


def convert(query: MultiDict[str], type: type[T]) -> T:
    """A query's parameters as a struct; only lists may be given more than once. Raises Invalid."""
    lists = {field.name for field in msgspec.structs.fields(type) if _is_list(field.type)}  # type: ignore[arg-type]
    given: dict[str, Any] = {}
    for name in query:
        values = query.getall(name)
        if name not in lists and len(values) > 1:
            raise Invalid(f"`{name}` can be given once.", field=name)
        given[name] = values if name in lists else values[0]
    try:
        return msgspec.convert(given, type, strict=False)
    except msgspec.ValidationError as error:
        raise invalid(error, type.__struct_fields__) from error  # type: ignore[attr-defined]


def invalid(error: msgspec.ValidationError, fields: Iterable[str]) -> Invalid:
    """A validation error in our words; `fields` are the names that were probably meant."""
    text = str(error)
    path = _PATH.search(text)
    if path is None:
        return _in_our_words(text, "", fields)
    found = _in_our_words(text[: path.start()], path[2], fields)
    found.number = None if path[1] is None else int(path[1])
    return found


def _in_our_words(message: str, at: str, fields: Iterable[str]) -> Invalid:
    if unknown := _UNKNOWN.fullmatch(message):
        meant = [] if at else get_close_matches(unknown[1], fields, 1)
        hint = f" Did you mean `{meant[0]}`?" if meant else ""
        return Invalid(f"There is no field `{unknown[1]}` here.{hint}", field=_join(at, unknown[1]))
    if missing := _MISSING.fullmatch(message):
        return Invalid(f"The field `{missing[1]}` is missing.", field=_join(at, missing[1]))
    return Invalid(f"{message}{f' in `{at}`' if at else ''}.", field=at or None)


def _is_list(type: Any) -> bool:
    return get_origin(get_args(type)[0] if get_origin(type) is Annotated else type) is list


def _join(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name
