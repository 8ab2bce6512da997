"""From a contract's file to a contract. Whatever is wrong is found here, with its line, and never later."""

from functools import cache
from importlib.resources import files

from hookferry.contracts import sections, values
from hookferry.contracts.body import read_object
from hookferry.contracts.model import Contract
from hookferry.contracts.source import Table, meant, read_file
from hookferry.contracts.vectors import check
from hookferry.contracts.verify import Verifier
from hookferry.errors import ContractError

_BUILTIN = files("hookferry.contracts") / "builtin"
_VECTORS = ".vectors.toml"


@cache
def builtin(name: str) -> Contract:
    """A contract that comes with Hookferry. Raises ContractError for a name that there is not."""
    known = sorted(file.name.removesuffix(_VECTORS) for file in _BUILTIN.iterdir() if _VECTORS in file.name)
    if name not in known:
        raise ContractError(f'unknown contract "{name}"; {meant(name, known)}', field="contract")
    file, vectors = f"{name}.toml", f"{name}{_VECTORS}"
    return load((_BUILTIN / file).read_text("utf-8"), file, (_BUILTIN / vectors).read_text("utf-8"))


def load(text: str, file: str, vectors: str | None = None) -> Contract:
    """The contract in a TOML text, checked against its golden vectors (a TOML text too) where there are some.

    `file` names it in errors. Raises ContractError with file, line, what is wrong, what was probably meant.
    """
    contract = read_file(text, file, _contract)
    if vectors is not None:
        check(contract, vectors, file.removesuffix(".toml") + _VECTORS)
    return contract


def _contract(root: Table) -> Contract:
    secrets, overlap = root.table("secret", sections.secret)
    serialize = root.table("serializer", sections.serializer)
    headers = root.table("headers", sections.headers)
    # Receivers read there what a signature signs beside the body.
    carriers = {header.carries: header.name for header in headers if header.carries}
    signatures = sections.signatures(root, secrets, carriers)
    schemes, unknown_types = root.table("subscription", sections.subscription)
    rules = sections.rules(root)
    return Contract(
        name=root.take("name", values.text),
        title=root.take("title", values.text),
        schemes=schemes,
        unknown_types=unknown_types,
        key_prefix=root.table("access", lambda access: access.take("key-prefix", values.text)),
        timeout=root.table("timeout", lambda timeout: timeout.take("total", values.duration)),
        overlap=overlap,
        attempts=rules.schedule.attempts,
        test_event=root.table("test", sections.test_event),
        secrets=secrets,
        rules=rules,
        body=root.table("body", lambda body: read_object(body, serialize)),
        headers=tuple((header.name, header.write) for header in headers),
        signatures=signatures,
        verifier=Verifier(carriers, signatures),
    )
