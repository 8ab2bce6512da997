"""The OpenAPI 3.1 document, made from the routes themselves.

Schemas come from msgspec, which also decodes and encodes what they describe. What a route does and asks
for stands in its docstring and its `needs`.
"""

import re
from collections.abc import Iterator
from importlib.metadata import version
from inspect import cleandoc
from typing import Any

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response, Stream
from litestar.routes import HTTPRoute

from hookferry.api import publish_spec
from hookferry.api.access import Access
from hookferry.api.problems import CODES, CONTENT_TYPE, Problem
from hookferry.model import Permission

Json = dict[str, Any]
Schemas = dict[Any, Json]

_REF = "#/components/schemas/"
_TAGS = {
    "Events": "What happened. Publishing an event stores it with its deliveries in one commit.",
    "Endpoints": "Where a tenant wants its events.",
    "Alerts": "Rules that name endpoints: an event that one matches makes a second event, for these alone.",
    "Deliveries": "One event for one endpoint, and the attempts to deliver it.",
    "Jobs": "Replays: events that are sent to an endpoint again, over time.",
    "Event types": "The catalogue of what can be subscribed to.",
    "Contracts": "Wire formats and their rules.",
    "Tenants": "The customers of the product.",
    "Members": "A tenant's people, and the roles that say what they may do.",
    "Keys": "Who may call this interface.",
    "System": "How the process is.",
}
_METHODS = ("POST", "GET", "PATCH", "DELETE")
_PATH_PARAMETERS = {"tenant": "The tenant's id.", "id": "The object's id.", "name": "Its name."}
_ACCESS = {
    Access.ANY_KEY: "Any valid key may call this.",
    Access.OPERATOR: "Needs an `admin` key of the whole deployment.",
}
_PROBLEMS = {
    "400": "The request cannot be read.",
    "401": "There is no key, or not a valid one.",
    "403": "The key lacks the permission.",
    "404": "There is no such object, or it is another tenant's.",
    "409": "The request clashes with what is there.",
    "413": "The body is over its limit.",
    "415": "The body is not JSON.",
    "422": "The request cannot be accepted as it is.",
    "429": "A quota of the tenant's is used up, and nothing was stored. `Retry-After` says for how long.",
    "503": "Nothing can be stored now. Try again, with the same idempotency key.",
}


def document(app: Litestar) -> Json:
    """The whole document."""
    operations = list(_operations(app))
    types = (
        {type for _, _, handler in operations for type in _types(handler)} | publish_spec.TYPES | {Problem}
    )
    ordered = sorted(types, key=str)
    roots, components = msgspec.json.schema_components(ordered, ref_template=f"{_REF}{{name}}")
    schemas = dict(zip(ordered, roots, strict=True))
    paths: Json = {}
    for path, method, handler in operations:
        paths.setdefault(path, {})[method] = _operation(path, method, handler, schemas, components)
    for path, operation in publish_spec.operations(schemas).items():
        post = {**operation, **_guarded(Permission.EVENTS_WRITE, operation)}
        paths[path] = {"post": post, **paths.get(path, {})}
    components["Problem"]["properties"]["code"] = {"type": "string", "enum": sorted(CODES)}
    return _named(
        {
            "openapi": "3.1.0",
            "info": {"title": "Hookferry", "version": version("hookferry"), "description": _ABOUT},
            "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
            "paths": dict(sorted(paths.items())),
            "components": {
                "schemas": {
                    name: schema for name, schema in components.items() if not name.endswith("Query")
                },
                "responses": {status: _problem(text) for status, text in _PROBLEMS.items()},
                "securitySchemes": {
                    "key": {"type": "http", "scheme": "bearer", "description": "A key, such as `hf_...`."}
                },
            },
        }
    )


_ABOUT = """\
Publish events and have them delivered as webhooks, signed and retried. JSON in and out; times are ISO 8601
in UTC; ids sort by the time they were made. Lists come in pages: give `next` as `cursor` to read on.
Errors are problem details (RFC 9457) whose `code` is one of a closed set."""


def _operations(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method in _METHODS:
                if method in route.methods:
                    handler: HTTPRouteHandler = route.route_handler_map[method][0]  # type: ignore[index]
                    # The companies' APIs are documented by the companies.
                    if handler.resolve_include_in_schema():
                        yield route.path_format, method.lower(), handler


def _annotation(handler: HTTPRouteHandler, name: str) -> Any:
    parameter = handler.parsed_fn_signature.parameters.get(name)
    return None if parameter is None else parameter.annotation


def _types(handler: HTTPRouteHandler) -> Iterator[Any]:
    """The types that a handler reads and answers."""
    for name in ("given", "asked"):
        if (annotation := _annotation(handler, name)) is not None:
            yield annotation
    if not handler.parsed_fn_signature.return_type.is_subclass_of((Response, Stream)):
        yield handler.parsed_fn_signature.return_type.annotation


def _operation(path: str, method: str, handler: HTTPRouteHandler, schemas: Schemas, components: Json) -> Json:
    summary, _, description = cleandoc(handler.fn.__doc__ or "").partition("\n")
    operation: Json = {
        "tags": handler.resolve_tags(),
        "summary": summary.rstrip("."),
        "operationId": handler.fn.__name__,
        "description": description.strip(),
        "parameters": [*_path_parameters(path), *_query_parameters(handler, schemas, components)],
    }
    if (form := _annotation(handler, "given")) is not None:
        content = {"schema": schemas[form], "example": form.sample}
        required = bool(components[form.__name__].get("required"))
        operation["requestBody"] = {"required": required, "content": {"application/json": content}}
    operation["responses"] = {str(handler.status_code): _answer(handler, schemas)}
    if "publishes" in handler.opt:
        operation["responses"]["429"] = {"$ref": "#/components/responses/429"}
    if "needs" in handler.opt:
        operation |= _guarded(handler.opt["needs"], operation)
    elif path == "/readyz":
        operation["responses"]["503"] = {"$ref": "#/components/responses/503"}
    return operation


def _guarded(needs: Access | Permission, operation: Json) -> Json:
    """What a route under /v1 says of its key and its errors."""
    text = _ACCESS[needs] if isinstance(needs, Access) else f"Needs a key with the permission `{needs}`."
    statuses = ["401", "403", "404", "503"]
    if "requestBody" in operation:
        statuses += ["400", "413", "415", "422", "409"]
    elif operation["parameters"] and operation["parameters"][-1]["in"] == "query":
        statuses.append("422")
    else:
        statuses.append("409")
    errors = {status: {"$ref": f"#/components/responses/{status}"} for status in sorted(statuses)}
    return {
        "description": f"{operation['description']}\n\n{text}".strip(),
        "x-permission": needs,
        "security": [{"key": []}],
        "responses": operation["responses"] | errors,
    }


def _path_parameters(path: str) -> list[Json]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _PATH_PARAMETERS[name],
            "schema": {"type": "string"},
        }
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(handler: HTTPRouteHandler, schemas: Schemas, components: Json) -> list[Json]:
    query = _annotation(handler, "asked")
    if query is None:
        return []
    properties = components[schemas[query]["$ref"].removeprefix(_REF)]["properties"]
    return [_query_parameter(name, dict(schema)) for name, schema in properties.items()]


def _query_parameter(name: str, schema: Json) -> Json:
    description = schema.pop("description", "")
    # A query cannot say null: it leaves the parameter out.
    schema |= next((option for option in schema.pop("anyOf", ()) if option.get("type") != "null"), {})
    if schema.get("default", ...) is None:
        del schema["default"]
    return {
        "name": name,
        "in": "query",
        "description": description,
        "schema": schema,
    }


def _answer(handler: HTTPRouteHandler, schemas: Schemas) -> Json:
    returned = handler.parsed_fn_signature.return_type
    if returned.is_subclass_of(Stream):
        content: Json = {"text/event-stream": {"schema": {"type": "string"}}}
    elif returned.is_subclass_of(Response):
        content = {str(handler.media_type): {}}
    else:
        content = {"application/json": {"schema": schemas[returned.annotation]}}
    return {"description": "Done.", "content": content}


def _problem(text: str) -> Json:
    return {"description": text, "content": {CONTENT_TYPE: {"schema": {"$ref": f"{_REF}Problem"}}}}


def _named(document: Json) -> Json:
    """`Page_Tenant_`, as msgspec names a generic type, reads `TenantPage`."""
    text = re.sub(rb"\bPage_(\w+?)_(?=\")", rb"\1Page", msgspec.json.encode(document))
    named: Json = msgspec.json.decode(text)
    return named
