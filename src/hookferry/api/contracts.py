"""Contracts as answers."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from msgspec import Meta

from hookferry import contracts, model
from hookferry.api.answers import Answer
from hookferry.service.contracts import Origin


class ContractVersion(Answer, frozen=True):
    """One version of a contract."""

    version: Annotated[str, Meta(description="The beginning of its text's SHA-256.")]
    tenants: Annotated[int, Meta(description="How many are pinned to it, of those that the key sees.")]


class Contract(Answer, frozen=True):
    """A wire format with its rules."""

    name: str
    title: str
    source: Annotated[
        Origin, Meta(description="`gone`: its file is no longer there, and it takes no new tenants.")
    ]
    version: Annotated[str, Meta(description="The latest one, which new tenants get.")]
    versions: Annotated[list[ContractVersion], Meta(description="The latest first.")]
    schemes: list[str]
    key_prefix: str
    timeout: Annotated[float, Meta(description="Of one attempt, in seconds.")]
    overlap: Annotated[float, Meta(description="How long a rotated secret still signs, in seconds.")]
    attempts: Annotated[int, Meta(description="How many a delivery has in all.")]
    unknown_types: Annotated[bool, Meta(description="Types outside the catalogue are accepted.")]

    @classmethod
    def of(
        cls,
        contract: contracts.Contract,
        source: Origin,
        versions: Sequence[model.ContractText],
        usage: Mapping[str, int],
        /,
        **more: Any,
    ) -> Self:
        return cls(
            name=contract.name,
            title=contract.title,
            source=source,
            version=contract.version,
            versions=[
                ContractVersion(version=one.version, tenants=usage.get(one.version, 0)) for one in versions
            ],
            schemes=list(contract.subscription.schemes),
            key_prefix=contract.access.key_prefix,
            timeout=contract.timeout,
            overlap=contract.overlap,
            attempts=contract.attempts,
            unknown_types=contract.subscription.unknown_types,
            **more,
        )


class ContractFile(Contract, frozen=True):
    """A version of a contract, as it is written."""

    text: Annotated[str, Meta(description="TOML.")]
    vectors: Annotated[str | None, Meta(description="What must come out of it, as TOML.")]
