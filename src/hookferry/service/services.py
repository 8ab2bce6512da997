"""The use cases in one bundle: what the API is given."""

from collections.abc import Mapping

import msgspec

from hookferry.contracts import Contract
from hookferry.service.alerts import Alerts
from hookferry.service.catalogue import Catalogue
from hookferry.service.endpoints import Endpoints
from hookferry.service.history import History
from hookferry.service.keys import Keys
from hookferry.service.members import Members
from hookferry.service.roles import Roles
from hookferry.service.secrets import Secrets
from hookferry.service.tail import Tail
from hookferry.service.tenants import Tenants


class Services(msgspec.Struct, frozen=True):
    """One of each. `contracts` are the contracts by name."""

    contracts: Mapping[str, Contract]
    tenants: Tenants
    roles: Roles
    members: Members
    keys: Keys
    endpoints: Endpoints
    alerts: Alerts
    secrets: Secrets
    catalogue: Catalogue
    history: History
    tail: Tail
