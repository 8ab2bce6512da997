"""/v1/contracts"""

from typing import Annotated

import msgspec
from litestar import Router, delete, get, post
from msgspec import Meta

from hookferry.api.access import Access
from hookferry.api.answers import Deleted
from hookferry.api.attempts import Preview
from hookferry.api.contracts import Contract, ContractFile
from hookferry.api.paging import Page, PageQuery, page_of
from hookferry.api.parameters import Body, Id, Query, Services, Who
from hookferry.model import ContractText
from hookferry.service.contracts import LATEST
from hookferry.service.forms import NewContract
from hookferry.service.previews import NewPreview


class VersionQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which version of a contract."""

    version: Annotated[str, Meta(description="A version; by default the latest.")] = LATEST


@get("/", needs=Access.ANY_KEY, sync_to_thread=False)
def list_contracts(services: Services, principal: Who, asked: Query[PageQuery]) -> Page[Contract]:
    """List contracts.

    By name, as their latest versions are. A tenant's key sees what comes with Hookferry and its own.
    """
    contracts, usage = services.contracts, services.contracts.usage(principal)

    def show(name: str) -> Contract:
        versions = contracts.versions(name)
        return Contract.of(contracts.compiled(versions[0]), contracts.origin(name), versions, usage)

    seen = [name for name in contracts.names() if contracts.seen(principal, name)]
    return page_of(seen, lambda name: name, show, asked)


@post("/", needs=Access.OPERATOR)
async def upload_contract(services: Services, principal: Who, given: Body[NewContract]) -> ContractFile:
    """Upload a contract.

    It is checked first: what is wrong is said with its line. Another text under a name that was uploaded
    before makes a new version, which new tenants get; the others stay at theirs until they are moved.
    """
    return _file(services, principal, await services.contracts.upload(given))


@get("/{name:str}", needs=Access.ANY_KEY, sync_to_thread=False)
def get_contract(services: Services, principal: Who, name: Id, asked: Query[VersionQuery]) -> ContractFile:
    """Read a contract.

    A tenant's key sees what comes with Hookferry and its own, without its vectors, and where it has a feature
    for its documents once the operator has opened them.
    """
    services.contracts.check_seen(principal, name)
    text = services.contracts.text(name, asked.version)
    services.tenants.check_documents(principal, services.contracts.compiled(text))
    return _file(services, principal, text)


@delete("/{name:str}", needs=Access.OPERATOR, status_code=200)
async def delete_contract(services: Services, name: Id) -> Deleted:
    """Delete an uploaded contract.

    With all of its versions, if no tenant has it.
    """
    await services.contracts.delete(name)
    return Deleted(id=name)


@post("/{name:str}/preview", needs=Access.ANY_KEY, status_code=200, sync_to_thread=False)
def preview_contract(services: Services, principal: Who, name: Id, given: Body[NewPreview]) -> Preview:
    """Preview a delivery.

    The exact request that the contract makes of an event, with example ids and for a made-up endpoint.
    Nothing is stored and nothing is sent.
    """
    services.contracts.check_seen(principal, name)
    return Preview.of(services.previews.preview(name, given))


def _file(services: Services, principal: Who, text: ContractText) -> ContractFile:
    """A version as it is written; its vectors, which may hold a receiver's secret, for the operator alone."""
    contracts = services.contracts
    return ContractFile.of(
        contracts.compiled(text),
        contracts.origin(text.name),
        contracts.versions(text.name),
        contracts.usage(principal),
        text=text.text,
        vectors=text.vectors if principal.tenant is None else None,
    )


router = Router(
    "/contracts",
    route_handlers=[list_contracts, upload_contract, get_contract, delete_contract, preview_contract],
    tags=["Contracts"],
)
