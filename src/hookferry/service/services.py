"""The use cases in one bundle: what the API is given."""

import msgspec

from hookferry.contracts import Contract
from hookferry.service.alerts import Alerts
from hookferry.service.catalogue import Catalogue
from hookferry.service.contracts import Contracts
from hookferry.service.endpoints import Endpoints
from hookferry.service.explanations import Explanations
from hookferry.service.history import History
from hookferry.service.keys import Keys
from hookferry.service.members import Members
from hookferry.service.previews import Previews
from hookferry.service.replays import Replays
from hookferry.service.roles import Roles
from hookferry.service.secrets import Secrets
from hookferry.service.tail import Tail
from hookferry.service.tenants import Tenants


class Services(msgspec.Struct, frozen=True):
    """One of each. `egress` is where deliveries come from, as far as is known."""

    contracts: Contracts
    previews: Previews
    tenants: Tenants
    roles: Roles
    members: Members
    keys: Keys
    endpoints: Endpoints
    alerts: Alerts
    secrets: Secrets
    catalogue: Catalogue
    history: History
    replays: Replays
    explanations: Explanations
    tail: Tail
    egress: tuple[str, ...] = ()

    def contract_of(self, tenant: str) -> Contract:
        """The contract that a tenant is pinned to. Raises NotFound."""
        return self.contracts.of(self.tenants.get(tenant))
