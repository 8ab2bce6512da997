"""Matching: which endpoints an event goes to."""

from hypothesis import given
from hypothesis import strategies as st

from hookferry.matching import TenantIndex, in_scope
from hookferry.model import Endpoint, EndpointStatus, Scope

TYPES = st.sampled_from(["a", "b", "c"])
LABELS = st.sampled_from(["dc", "region"])
VALUES = st.sampled_from(["1", "2", "3"])
SCOPES = st.dictionaries(LABELS, st.lists(VALUES, min_size=1, max_size=2, unique=True).map(tuple), max_size=2)


def _endpoint(
    id: str,
    types: tuple[str, ...] = (),
    scope: Scope | None = None,
    status: EndpointStatus = EndpointStatus.ACTIVE,
) -> Endpoint:
    return Endpoint(id, "t", "http://x/", "", types, scope or {}, (), status, (), 0, 0)


def _ids(index: TenantIndex[Endpoint], type: str, scope: Scope | None = None) -> list[str]:
    return sorted(endpoint.id for endpoint in index.match(type, scope))


def test_an_endpoint_without_types_gets_every_event() -> None:
    """Empty means all."""
    assert _ids(TenantIndex([_endpoint("e")]), "anything") == ["e"]


def test_an_endpoint_gets_the_types_it_names() -> None:
    """And no other."""
    index = TenantIndex([_endpoint("e", ("a", "b")), _endpoint("f", ("c",))])
    assert _ids(index, "b") == ["e"]


def test_a_paused_endpoint_matches() -> None:
    """What it would receive is held."""
    assert _ids(TenantIndex([_endpoint("e", status=EndpointStatus.PAUSED)]), "a") == ["e"]


def test_a_disabled_endpoint_does_not_match() -> None:
    """It wants nothing more."""
    assert _ids(TenantIndex([_endpoint("e", status=EndpointStatus.DISABLED)]), "a") == []


def test_a_replaced_endpoint_matches_as_it_is_now() -> None:
    """Its old types are forgotten."""
    index = TenantIndex([_endpoint("e", ("a",))])
    index.put(_endpoint("e", ("b",)))
    assert (_ids(index, "a"), _ids(index, "b")) == ([], ["e"])


def test_a_removed_endpoint_does_not_match() -> None:
    """It is gone."""
    index = TenantIndex([_endpoint("e")])
    index.remove("e")
    assert _ids(index, "a") == []


def test_a_scope_without_the_label_does_not_match() -> None:
    """For each label that the endpoint names the two sets must meet."""
    assert not in_scope({"dc": ("1",)}, {"region": ("1",)})


def test_other_labels_do_not_matter() -> None:
    """Only those that the endpoint names."""
    assert in_scope({"dc": ("1",)}, {"dc": ("1", "2"), "region": ("x",)})


@given(
    st.lists(st.tuples(st.lists(TYPES, max_size=2, unique=True).map(tuple), SCOPES), max_size=8),
    TYPES,
    st.none() | SCOPES,
)
def test_the_index_finds_what_a_search_finds(
    wanted: list[tuple[tuple[str, ...], Scope]], type: str, scope: Scope | None
) -> None:
    """Neither more nor less, each once."""
    endpoints = [_endpoint(str(number), types, scope) for number, (types, scope) in enumerate(wanted)]
    searched = [
        endpoint.id
        for endpoint in endpoints
        if (not endpoint.event_types or type in endpoint.event_types) and in_scope(endpoint.scope, scope)
    ]
    assert _ids(TenantIndex(endpoints), type, scope) == sorted(searched)
