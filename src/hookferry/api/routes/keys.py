"""/v1/keys"""

from litestar import Router, delete, get, post

from hookferry.api.answers import CreatedKey, Deleted, Key
from hookferry.api.paging import Page, PageQuery, page_of
from hookferry.api.parameters import Body, Id, Query, Services, Who
from hookferry.model import Permission
from hookferry.service.forms import NewKey


@get("/", needs=Permission.ADMIN, sync_to_thread=False)
def list_keys(services: Services, principal: Who, asked: Query[PageQuery]) -> Page[Key]:
    """List keys.

    Newest first. A tenant's admin key sees its tenant's keys only.
    """
    keys = services.keys.list(principal)
    return page_of(keys, lambda key: key.id, Key.of, asked, newest_first=True)


@post("/", needs=Permission.ADMIN)
async def create_key(services: Services, principal: Who, given: Body[NewKey]) -> CreatedKey:
    """Make a key.

    The answer shows the key's text this once; only its hash is kept. A tenant's admin key makes keys of
    its own tenant only.
    """
    key, text = await services.keys.create(principal, given)
    return CreatedKey.of(key, key=text)


@delete("/{id:str}", needs=Permission.ADMIN, status_code=200)
async def delete_key(services: Services, principal: Who, id: Id) -> Deleted:
    """Revoke a key at once."""
    await services.keys.delete(principal, id)
    return Deleted(id=id)


router = Router("/keys", route_handlers=[list_keys, create_key, delete_key], tags=["Keys"])
