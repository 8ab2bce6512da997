"""/v1/egress"""

from litestar import get

from hookferry.api.access import Access
from hookferry.api.answers import Egress
from hookferry.api.parameters import Services


@get("/egress", needs=Access.ANY_KEY, tags=["System"], sync_to_thread=False)
def get_egress(services: Services) -> Egress:
    """Read where deliveries come from.

    For receivers that allow requests by address. A signature says more, and costs nobody a change when an
    address does.
    """
    return Egress(addresses=list(services.egress))
