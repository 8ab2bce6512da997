"""The contracts of a deployment, in versions: what a tenant's receivers get changes only when it is moved."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

import msgspec
import structlog

from hookferry.clock import Clock
from hookferry.contracts import Contract, builtin, load
from hookferry.contracts.load import builtin_names
from hookferry.contracts.source import meant
from hookferry.contracts.texts import builtin_text, read_folder
from hookferry.errors import Conflict, ContractError, Invalid, NotFound, StartError
from hookferry.model import ContractText, Tenant
from hookferry.service.forms import NewContract
from hookferry.service.principal import Principal
from hookferry.store.base import Store

LATEST = "latest"
"""What stands for the version that is new tenants' now."""

_UPLOAD = "contract.toml"

_log = structlog.get_logger("hookferry.contracts")


class Origin(StrEnum):
    """Where a contract comes from. The first that has a name, has it."""

    BUILT_IN = "built-in"
    FOLDER = "folder"
    UPLOADED = "uploaded"
    GONE = "gone"
    """Its file is no longer there: it stays for the tenants that are pinned to it, and takes no new ones."""


class Contracts:
    """All contracts by name, each in versions; a tenant is pinned to one.

    The mutable state is the compiled contracts by version: those of files, and of the texts that the store
    keeps. A version never changes, so that none is ever taken out.
    """

    def __init__(self, store: Store, clock: Clock, folder: Path | None = None) -> None:
        """Load built-in contracts, those of a folder, and what the store keeps.

        Raises ContractError, with file and line, or StartError for a kept version that no longer loads.
        """
        self._store = store
        self._clock = clock
        self._compiled: dict[str, Contract] = {}
        self._files: dict[str, tuple[Origin, ContractText]] = {}
        for name in builtin_names():
            self.add(Origin.BUILT_IN, builtin_text(name), builtin(name))
        for text, contract in read_folder(folder) if folder is not None else ():
            self.add(Origin.FOLDER, text, contract)
        for text in store.directory.contract_texts.values():
            if text.version not in self._compiled:
                self._load_kept(text)

    def add(self, origin: Origin, text: ContractText, contract: Contract) -> None:
        """Offer a file's contract."""
        self._files[text.name] = origin, text
        self._compiled[text.version] = contract

    def _load_kept(self, text: ContractText) -> None:
        try:
            self._compiled[text.version] = load(text.text, f"{text.name}-{text.version}.toml", text.vectors)
        except ContractError as error:
            if tenants := self._pinned(text.version):
                raise StartError(
                    f"The contract {text.name} in the version {text.version}, of {_listed(tenants)}, no "
                    f"longer loads: {error.message}. Start the Hookferry that it worked with, and move them "
                    "to another version."
                ) from error
            _log.warning("a kept contract no longer loads", contract=text.name, version=text.version)

    async def pin_all(self) -> None:
        """Pin the tenants of before there were versions to the latest one. Raises StartError."""
        for tenant in list(self._store.directory.tenants.values()):
            if tenant.contract_version in self._compiled:
                continue
            text = self.latest(tenant.contract)
            if tenant.contract_version or text is None:
                version = f" in the version {tenant.contract_version}" if tenant.contract_version else ""
                raise StartError(
                    f"The contract {tenant.contract}{version}, of {_listed([tenant])}, is not there. "
                    "Put its file into contracts_dir, or restore the database."
                )
            await self._store.change_tenant(tenant.id, _pin_to(text), text)

    def of(self, tenant: Tenant) -> Contract:
        """The contract that a tenant is pinned to: the hot path's look-up."""
        return self._compiled[tenant.contract_version]

    def error_code(self, tenant: str, code: str) -> str | None:
        """What the contract of a tenant calls an error; None without a word of its own."""
        found = self._store.directory.tenants.get(tenant)
        return None if found is None else self.of(found).errors.get(code)

    def names(self) -> Sequence[str]:
        """All names, sorted."""
        return sorted(self._files.keys() | {text.name for text in self._kept()})

    def origin(self, name: str) -> Origin:
        """Where the contract comes from."""
        if name in self._files:
            return self._files[name][0]
        return Origin.GONE if self.latest(name) is None else Origin.UPLOADED

    def latest(self, name: str) -> ContractText | None:
        """What new tenants get: the file's text, or the one uploaded last. None if there is neither."""
        if name in self._files:
            return self._files[name][1]
        uploaded = [text for text in self._kept(name) if text.uploaded_at is not None]
        return max(uploaded, key=lambda text: text.uploaded_at or 0, default=None)

    def versions(self, name: str) -> Sequence[ContractText]:
        """All versions of a contract, the latest first. Raises NotFound."""
        latest, kept = self.latest(name), self._kept(name)
        others = [text for text in kept if latest is None or text.version != latest.version]
        others.sort(key=lambda text: (text.uploaded_at or 0, text.version), reverse=True)
        found = others if latest is None else [latest, *others]
        if not found:
            raise NotFound(f"There is no contract {name!r}.")
        return found

    def text(self, name: str, version: str = LATEST) -> ContractText:
        """A version's text. Raises NotFound."""
        versions = self.versions(name)
        for text in versions:
            if version in (LATEST, text.version):
                return text
        raise NotFound(f"The contract {name!r} has no version {version!r}.")

    def compiled(self, text: ContractText) -> Contract:
        """What a text says."""
        return self._compiled[text.version]

    def usage(self, principal: Principal) -> Mapping[str, int]:
        """How many tenants are pinned to each version, of those that the principal sees."""
        tenants = self._store.directory.tenants.values()
        return Counter(tenant.contract_version for tenant in tenants if principal.sees(tenant.id))

    def choose(self, name: str, version: str = LATEST) -> ContractText:
        """The text to pin a tenant to. Raises Invalid (`contract`, `contract_version`)."""
        latest = self.latest(name)
        if version == LATEST:
            if latest is None:
                known = [known for known in self.names() if self.latest(known) is not None]
                raise Invalid(f"There is no contract {name!r}; {meant(name, known)}", field="contract")
            return latest
        try:
            return self.text(name, version)
        except NotFound as error:
            raise Invalid(error.message, field="contract_version") from None

    def seen(self, principal: Principal, name: str) -> bool:
        """True for the operator, for what comes with Hookferry, and for a tenant's own contract.

        A company's file is its own business, and its vectors may hold a secret.
        """
        if principal.tenant is None or self.origin(name) is Origin.BUILT_IN:
            return True
        return self._store.directory.tenant(principal.tenant).contract == name

    def check_seen(self, principal: Principal, name: str) -> None:
        """Raises NotFound for a contract that the principal does not see."""
        if not self.seen(principal, name):
            raise NotFound(f"There is no contract {name!r}.")

    async def upload(self, wanted: NewContract) -> ContractText:
        """A new contract, or a new version of one that was uploaded before; the old ones stay.

        Raises Invalid (`invalid_contract`) with file and line, or Conflict for the name of a file's contract.
        """
        # In a thread: a text of a megabyte takes a second.
        contract = await asyncio.to_thread(_checked, wanted)
        if contract.name in self._files:
            raise Conflict(
                f"The contract {contract.name!r} is built in or comes from a file: choose another name.",
                code="already_exists",
                field="text",
            )
        latest = self.latest(contract.name)
        after = 0 if latest is None else (latest.uploaded_at or 0) + 1
        text = ContractText(
            contract.version, contract.name, wanted.text, wanted.vectors, max(self._clock.now(), after)
        )
        self._compiled[text.version] = contract
        await self._store.put_contract(text)
        return text

    async def delete(self, name: str) -> None:
        """Take an uploaded contract out. Raises NotFound, or Conflict while a tenant has it."""
        if name in self._files:
            raise Conflict(
                f"The contract {name!r} is built in or comes from a file: only uploaded ones can be deleted."
            )
        await self._store.delete_contract(name)

    def _kept(self, name: str | None = None) -> list[ContractText]:
        """What the store keeps and can be used, of one contract or all."""
        return [
            text
            for text in self._store.directory.contract_texts.values()
            if text.version in self._compiled and name in (None, text.name)
        ]

    def _pinned(self, version: str) -> list[Tenant]:
        tenants = self._store.directory.tenants.values()
        return [tenant for tenant in tenants if tenant.contract_version == version]


def _checked(wanted: NewContract) -> Contract:
    try:
        return load(wanted.text, _UPLOAD, wanted.vectors)
    except ContractError as error:
        field = "text" if error.message.startswith(_UPLOAD) else "vectors"
        raise Invalid(error.message, code="invalid_contract", field=field) from None


def _pin_to(text: ContractText) -> Callable[[Tenant], Tenant]:
    return lambda tenant: msgspec.structs.replace(tenant, contract_version=text.version)


def _listed(tenants: Sequence[Tenant]) -> str:
    """The first ten by name: a line stays a line."""
    shown = ", ".join(sorted(tenant.id for tenant in tenants)[:10])
    more = f" and {len(tenants) - 10} more" if len(tenants) > 10 else ""
    return f"the tenant{'s' * (len(tenants) > 1)} {shown}{more}"
