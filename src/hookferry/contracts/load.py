"""From a contract's file to a contract. Whatever is wrong is found here, with its line, and never later."""

from functools import cache
from hashlib import sha256
from importlib.resources import files

from hookferry.contracts import sections, values
from hookferry.contracts.body import by_type, in_style, read_body, with_signature
from hookferry.contracts.catalogue import catalogue
from hookferry.contracts.keys import SecretRules
from hookferry.contracts.model import Contract
from hookferry.contracts.placeholders import BODY
from hookferry.contracts.source import Table, meant, read_file
from hookferry.contracts.subscription import Access
from hookferry.contracts.vectors import check
from hookferry.contracts.verify import Verifier
from hookferry.errors import ContractError
from hookferry.policy import Policy

_BUILTIN = files("hookferry.contracts") / "builtin"
_VECTORS = ".vectors.toml"
_VERSION = 12
_SECRETS = SecretRules("", 1, 255, "text", required=False, giver="customer"), 0.0


def builtin_names() -> list[str]:
    """The contracts that come with Hookferry."""
    return sorted(file.name.removesuffix(_VECTORS) for file in _BUILTIN.iterdir() if _VECTORS in file.name)


def builtin_texts(name: str) -> tuple[str, str]:
    """The file of a contract that comes with Hookferry, and its vectors. Raises ContractError."""
    known = builtin_names()
    if name not in known:
        raise ContractError(
            f'unknown contract "{name}"; {meant(name, known)}; or name a file NAME.toml', field="contract"
        )
    file, vectors = (_BUILTIN / f"{name}{end}" for end in (".toml", _VECTORS))
    return file.read_text("utf-8"), vectors.read_text("utf-8")


@cache
def builtin(name: str) -> Contract:
    """A contract that comes with Hookferry. Raises ContractError for a name that there is not."""
    text, vectors = builtin_texts(name)
    return load(text, f"{name}.toml", vectors)


def load(text: str, file: str, vectors: str | None = None) -> Contract:
    """The contract in a TOML text, checked against its golden vectors (a TOML text too) where there are some.

    `file` names it in errors. Raises ContractError with file, line, what is wrong, what was probably meant.
    """
    version = sha256(text.encode()).hexdigest()[:_VERSION]
    contract = read_file(text, file, lambda root: _contract(root, version))
    if vectors is not None:
        check(contract, vectors, file.removesuffix(".toml") + _VECTORS)
    return contract


def _contract(root: Table, version: str) -> Contract:
    secrets, overlap = root.table_or("secret", sections.secret, _SECRETS)
    headers = root.table("headers", sections.headers)
    # Receivers read there what a signature signs beside the body.
    carriers = {header.carries: header.name for header in headers if header.carries}
    names = {header.name.lower() for header in headers}
    method, query = root.table_or("request", sections.request, ("POST", ()))
    signatures, inner = sections.signatures(root, secrets, carriers, query, names)
    rules = sections.rules(root)
    style, fails = root.table_or("serializer", sections.finish, (None, False))
    allowed = BODY if inner else BODY - {"signature"}
    body, types = read_body(root, allowed), catalogue(root, allowed)
    unsigned = in_style(style, by_type(body, types.bodies))
    contract = Contract(
        name=root.take("name", values.name),
        title=root.take("title", values.text),
        version=version,
        command=root.take_or("command", values.name, None),
        access=root.table_or("access", sections.access, Access(key_prefix="hf_")),
        subscription=root.table("subscription", sections.subscription),
        catalogue=types.types,
        aliases=types.aliases,
        errors=root.table_or("errors", sections.errors, {}),
        derivations=root.tables("derive", sections.derivation),
        timeout=root.table("timeout", lambda timeout: timeout.take("total", values.time_out)),
        overlap=overlap,
        attempts=rules.schedule.attempts,
        test_event=root.table("test", sections.test_event),
        secrets=secrets,
        rules=rules,
        policy=root.table_or("health", sections.health, Policy()),
        method=method,
        query=query,
        style=style,
        unsigned=unsigned,
        body=with_signature(unsigned, inner, method),
        headers=tuple((header.name, header.write) for header in headers),
        signatures=signatures,
        verifier=Verifier(carriers, signatures, query),
        fallible=fails or any(one.fallible for one in (body, *types.bodies.values())),
    )
    if overlap and not contract.overlaps:
        root.refuse(("secret", "overlap"), "no signature has a `join`: only the newest secret would sign")
    _check_types(root, contract)
    return contract


def _check_types(root: Table, contract: Contract) -> None:
    """Whatever names an event type must name one of the catalogue, where there is no other."""
    if contract.subscription.unknown_types:
        return
    for name in contract.subscription.default_types:
        if name not in contract.catalogue:
            root.refuse(("subscription",), f'unknown event type "{name}"; {meant(name, contract.catalogue)}')
    for index, rule in enumerate(contract.derivations):
        for key in ("applied", "lifted", "first", "last"):
            if (name := getattr(rule, key)) not in contract.catalogue:
                problem = f'unknown event type "{name}"; {meant(name, contract.catalogue)}'
                root.refuse(("derive", index, key), problem)
