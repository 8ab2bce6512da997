"""A tenant's features, which the operator alone switches, as the gates that a contract sets (OC-7, 8, 32)."""

from hookferry.contracts import Contract
from hookferry.errors import Forbidden
from hookferry.model import Tenant
from hookferry.service.contracts import Contracts


def has(tenant: Tenant, feature: str | None) -> bool:
    """True if the tenant has the feature, or none is asked for."""
    return feature is None or feature in tenant.features


def require(tenant: Tenant, feature: str | None) -> None:
    """Raises Forbidden (`feature_disabled`) if the tenant lacks a feature that is asked for."""
    if not has(tenant, feature):
        raise Forbidden(
            f"The feature {feature!r} is off for this tenant; the operator turns it on.",
            code="feature_disabled",
        )


def open_contract(contracts: Contracts, tenant: Tenant) -> Contract:
    """The contract of a tenant that may manage endpoints. Raises Forbidden for one that may not."""
    contract = contracts.of(tenant)
    require(tenant, contract.access.feature)
    return contract
