"""The configuration's structs to rows and back. The order of values is that of the queries."""

from collections.abc import Collection, Sequence
from contextlib import suppress

import msgspec

from hookferry.exchange import Headers
from hookferry.model import (
    Alert,
    Endpoint,
    EndpointStatus,
    EventType,
    Key,
    Member,
    Permission,
    Quotas,
    Role,
    Scope,
    Secret,
    Tenant,
)
from hookferry.store.database import Row
from hookferry.store.vault import UnreadableError, Vault

_encode = msgspec.json.Encoder().encode
_decode_scope = msgspec.json.Decoder(Scope).decode
_decode_types = msgspec.json.Decoder(tuple[str, ...]).decode


class _Sealed(msgspec.Struct, frozen=True):
    """What of an endpoint is encrypted at rest."""

    secrets: tuple[Secret, ...]
    ed25519: Secret | None
    headers: Headers


_decode_sealed = msgspec.json.Decoder(_Sealed).decode


def _owner(tenant: str, endpoint: str) -> str:
    return f"{tenant}/{endpoint}"


def endpoint_row(endpoint: Endpoint, vault: Vault) -> Row:
    clear = _encode(_Sealed(endpoint.secrets, endpoint.ed25519, endpoint.headers))
    return (
        endpoint.id,
        endpoint.tenant,
        endpoint.url,
        endpoint.name,
        _encode(endpoint.event_types).decode(),
        _encode(endpoint.scope).decode(),
        endpoint.status,
        endpoint.timeout,
        endpoint.rate_limit,
        endpoint.disabled_reason,
        vault.seal(clear, _owner(endpoint.tenant, endpoint.id)),
        endpoint.created_at,
        endpoint.updated_at,
    )


def endpoint_of(row: Row, vault: Vault) -> Endpoint:
    id, tenant, url, name, types, scope, status, timeout, rate, reason, sealed, created_at, updated_at = row
    try:
        clear, readable = _decode_sealed(vault.open(sealed, _owner(tenant, id))), True
    except UnreadableError:
        clear, readable = _Sealed((), None, ()), False
    return Endpoint(
        id=id,
        tenant=tenant,
        url=url,
        name=name,
        event_types=_decode_types(types),
        scope=_decode_scope(scope),
        headers=clear.headers,
        status=EndpointStatus(status),
        secrets=clear.secrets,
        created_at=created_at,
        updated_at=updated_at,
        timeout=timeout,
        rate_limit=rate,
        ed25519=clear.ed25519,
        disabled_reason=reason,
        readable=readable,
    )


def resealed(row: Row, columns: Sequence[str], old: Vault, new: Vault) -> Row:
    """An endpoint's row under another key. What the old one does not open stays as it is."""
    values = dict(zip(columns, row, strict=True))
    owner = _owner(values["tenant"], values["id"])
    with suppress(UnreadableError):
        values["sealed"] = new.seal(old.open(values["sealed"], owner), owner)
    return tuple(values.values())


def alert_row(alert: Alert) -> Row:
    return (
        alert.id,
        alert.tenant,
        alert.name,
        alert.message,
        _encode(alert.event_types).decode(),
        _encode(alert.scope).decode(),
        _encode(alert.endpoints).decode(),
        int(alert.active),
        alert.created_at,
        alert.updated_at,
    )


def alert_of(row: Row) -> Alert:
    id, tenant, name, message, types, scope, endpoints, active, created_at, updated_at = row
    return Alert(
        id,
        tenant,
        name,
        message,
        _decode_types(types),
        _decode_scope(scope),
        _decode_types(endpoints),
        bool(active),
        created_at,
        updated_at,
    )


def key_row(key: Key) -> Row:
    return (
        key.id,
        key.digest,
        key.prefix,
        key.name,
        key.tenant,
        _sorted(key.permissions),
        key.created_at,
        key.expires_at,
        key.member,
    )


def key_of(row: Row) -> Key:
    id, digest, prefix, name, tenant, permissions, *rest = row
    return Key(id, digest, prefix, name, tenant, _permissions(permissions), *rest)


def tenant_row(tenant: Tenant) -> Row:
    return (
        tenant.id,
        tenant.name,
        tenant.contract,
        tenant.created_at,
        _sorted(tenant.features),
        tenant.contract_version,
        tenant.quotas.events_per_second,
        tenant.quotas.waiting,
    )


def tenant_of(row: Row) -> Tenant:
    id, name, contract, created_at, features, contract_version, *quotas = row
    return Tenant(
        id, name, contract, created_at, frozenset(_decode_types(features)), contract_version, Quotas(*quotas)
    )


def role_row(role: Role) -> Row:
    return (role.id, role.tenant, role.name, _sorted(role.permissions), role.created_at)


def role_of(row: Row) -> Role:
    id, tenant, name, permissions, created_at = row
    return Role(id, tenant, name, _permissions(permissions), created_at)


def member_row(member: Member) -> Row:
    return (member.id, member.tenant, member.name, member.role, member.created_at, member.email)


def member_of(row: Row) -> Member:
    return Member(*row)


def _sorted(words: Collection[str]) -> str:
    return _encode(sorted(words)).decode()


def _permissions(text: str) -> frozenset[Permission]:
    return frozenset(Permission(word) for word in _decode_types(text))


def event_type_row(type: EventType) -> Row:
    return (
        type.name,
        type.title,
        type.description,
        _text(type.schema),
        _text(type.example),
        int(type.deprecated),
    )


def event_type_of(row: Row) -> EventType:
    name, title, description, schema, example, deprecated = row
    return EventType(name, title, description, _raw(schema), _raw(example), bool(deprecated))


def _text(raw: msgspec.Raw | None) -> str | None:
    return None if raw is None else bytes(raw).decode()


def _raw(text: str | None) -> msgspec.Raw | None:
    return None if text is None else msgspec.Raw(text.encode())
