"""What migrations make of what was there."""

import sqlite3

from hookferry.store.queries import migrations

_ENDPOINT = """
insert into endpoints (id, tenant, url, name, event_types, scope, status, disabled_reason, sealed, created_at,
                       updated_at)
values ('ep_1', 'demo', 'https://example.com/', '', '["a"]', '{"dc":["1"]}', 'disabled', '410 Gone', x'00',
        100, 200)
"""


def test_an_endpoint_of_before_has_a_history() -> None:
    """The history of an endpoint begins with what it has been since its last change (migration 6)."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for number, _, text in migrations("hookferry.store.sqlite"):
        if number == 6:
            connection.execute(_ENDPOINT)
        connection.executescript(text)
        if number == 6:
            break
    found = connection.execute(
        "select endpoint, at, status, event_types, scope, reason from endpoint_history"
    )
    assert found.fetchall() == [("ep_1", 200, "disabled", '["a"]', '{"dc":["1"]}', "410 Gone")]
