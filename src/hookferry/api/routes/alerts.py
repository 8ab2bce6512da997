"""/v1/tenants/{tenant}/alerts"""

from collections.abc import Sequence

from litestar import Router, delete, get, patch, post

from hookferry import model
from hookferry.api.answers import Alert, CreatedEndpoint, Deleted, SavedAlert
from hookferry.api.paging import Page, PageQuery, page_of
from hookferry.api.parameters import Body, Id, Query, Services, Who
from hookferry.contracts import Contract
from hookferry.model import Permission
from hookferry.service.forms import AlertChange, NewAlert


@get("/", needs=Permission.WEBHOOKS_READ, sync_to_thread=False)
def list_alerts(services: Services, tenant: Id, asked: Query[PageQuery]) -> Page[Alert]:
    """List alerts.

    Newest first.
    """
    alerts = services.alerts.list(tenant)
    return page_of(alerts, lambda alert: alert.id, Alert.of, asked, newest_first=True)


@post("/", needs=Permission.WEBHOOKS_WRITE)
async def create_alert(services: Services, principal: Who, tenant: Id, given: Body[NewAlert]) -> SavedAlert:
    """Create an alert.

    Each event that it matches from now on makes an event of type `status.alert` for its endpoints. Endpoints
    that are created with it are shown with their signing secrets.
    """
    return _saved(services.contract_of(tenant), *await services.alerts.create(tenant, given, principal))


@get("/{id:str}", needs=Permission.WEBHOOKS_READ, sync_to_thread=False)
def get_alert(services: Services, tenant: Id, id: Id) -> Alert:
    """Read an alert."""
    return Alert.of(services.alerts.get(tenant, id))


@patch("/{id:str}", needs=Permission.WEBHOOKS_WRITE)
async def change_alert(
    services: Services, principal: Who, tenant: Id, id: Id, given: Body[AlertChange]
) -> SavedAlert:
    """Change an alert.

    What is left out stays. `endpoints` replaces the list; new ones can be created here too.
    """
    return _saved(services.contract_of(tenant), *await services.alerts.change(tenant, id, given, principal))


@delete("/{id:str}", needs=Permission.WEBHOOKS_DELETE, status_code=200)
async def delete_alert(services: Services, tenant: Id, id: Id) -> Deleted:
    """Delete an alert.

    Its endpoints stay, and so do the events that it made.
    """
    await services.alerts.delete(tenant, id)
    return Deleted(id=id)


def _saved(contract: Contract, alert: model.Alert, created: Sequence[model.Endpoint]) -> SavedAlert:
    return SavedAlert.of(alert, created=[CreatedEndpoint.of_new(endpoint, contract) for endpoint in created])


router = Router(
    "/tenants/{tenant:str}/alerts",
    route_handlers=[list_alerts, create_alert, get_alert, change_alert, delete_alert],
    tags=["Alerts"],
)
