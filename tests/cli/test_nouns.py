"""The commands about objects, each against a real server."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hookferry.receiver import Answer
from tests.cli.world import Tenant, World


def ids(page: object) -> list[str]:
    return [row["id"] for row in page["data"]]  # type: ignore[index]


def delivered(tenant: Tenant, *payloads: int) -> None:
    """Publish events and wait for an attempt of each."""
    for payload in payloads:
        tenant.json("send", "a", "--data", str(payload))
    tenant.settle(len(payloads))


# webhooks


def test_register(tenant: Tenant) -> None:
    """An endpoint is registered as it is described, and its secret is printed."""
    endpoint = tenant.json(
        *(
            "webhooks",
            "register",
            "--url",
            "https://example.com/x",
            "--on",
            "a.b",
            "--on",
            "c",
            "--name",
            "N",
        ),
        *(
            "--header",
            "X-One: 1",
            "--header",
            "X-Two:2",
            "--scope",
            "dc=1",
            "--scope",
            "dc=2",
            "--timeout",
            "5s",
            "--rate-limit",
            "2.5",
        ),
    )
    assert {
        name: endpoint[name]
        for name in ("url", "event_types", "name", "headers", "scope", "timeout", "rate_limit")
    } == {
        "url": "https://example.com/x",
        "event_types": ["a.b", "c"],
        "name": "N",
        "headers": {"X-One": "1", "X-Two": "2"},
        "scope": {"dc": ["1", "2"]},
        "timeout": 5,
        "rate_limit": 2.5,
    }


def test_register_prints_the_secret(tenant: Tenant) -> None:
    """The secret of a new endpoint is printed."""
    assert tenant.register()["secret"].startswith("whsec_")


def test_register_with_a_secret(tenant: Tenant) -> None:
    """A secret of one's own is taken."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert tenant.register("--secret", secret)["secret"] == secret


def test_register_with_a_secret_from_a_file(tenant: Tenant, tmp_path: Path) -> None:
    """A secret can come from a file, so that no command line shows it."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    (tmp_path / "secret").write_text(secret + "\n")
    assert tenant.register("--secret", f"@{tmp_path / 'secret'}")["secret"] == secret


@pytest.mark.parametrize(
    "args", [["--header", "X"], ["--scope", "dc"], ["--timeout", "5"], ["--rate-limit", "nan"]]
)
def test_register_usage(tenant: Tenant, args: list[str]) -> None:
    """A header, scope, time-out or rate that cannot be read is a usage error."""
    assert tenant.hookferry("webhooks", "register", "--url", "https://a.example", *args).exit_code == 2


def test_register_refuses_a_url(tenant: Tenant) -> None:
    """A URL that the server refuses is exit code 5."""
    assert tenant.hookferry("webhooks", "register", "--url", "http://192.168.1.1/").exit_code == 5


def test_list_webhooks(tenant: Tenant) -> None:
    """Endpoints are listed, the newest first."""
    made = [tenant.register()["id"] for _ in range(3)]
    assert ids(tenant.json("webhooks", "list")) == made[::-1]


def test_update(tenant: Tenant) -> None:
    """What is given is changed, the rest stays."""
    id = tenant.register("--name", "old", "--on", "a")["id"]
    tenant.json("webhooks", "update", id, "--name", "new")
    endpoint = tenant.json("webhooks", "show", id)
    assert (endpoint["name"], endpoint["event_types"]) == ("new", ["a"])


def test_quotas(tenant: Tenant) -> None:
    """A tenant's quotas are set, and taken away by the word `none`."""
    id = tenant.json("tenants", "create", "Q", "--waiting", "1000", "--events-per-second", "2.5")["id"]
    tenant.json("tenants", "update", id, "--waiting", "none")
    assert tenant.json("tenants", "show", id)["quotas"] == {"events_per_second": 2.5, "waiting": None}


def test_update_takes_a_rate_limit_away(tenant: Tenant) -> None:
    """By the word `none`."""
    id = tenant.register("--rate-limit", "5")["id"]
    tenant.json("webhooks", "update", id, "--rate-limit", "none")
    assert tenant.json("webhooks", "show", id)["rate_limit"] is None


def test_pause_and_resume(tenant: Tenant) -> None:
    """A paused endpoint holds, a resumed one receives again."""
    id = tenant.register()["id"]
    statuses = [tenant.json("webhooks", verb, id)["status"] for verb in ("pause", "resume")]
    assert statuses == ["paused", "active"]


def test_rotate(tenant: Tenant) -> None:
    """A rotated endpoint has a new secret, and the old one as long as the overlap lasts."""
    endpoint = tenant.register()
    rotated = tenant.json("webhooks", "rotate", endpoint["id"], "--overlap", "1h")
    assert [old["secret"] for old in rotated["previous"]] == [endpoint["secret"]]


def test_test(tenant: Tenant) -> None:
    """A test event arrives, verified."""
    tenant.json("webhooks", "test", tenant.register("--on", "other")["id"])
    assert [arrival.verified for arrival in tenant.world.arrivals(tenant.target, 1)] == [True]


def test_executions(tenant: Tenant) -> None:
    """The attempts at an endpoint are listed with what was sent and answered."""
    id = tenant.register()["id"]
    delivered(tenant, 1)
    (attempt,) = tenant.json("webhooks", "executions", id)["data"]
    assert (attempt["number"], attempt["outcome"], attempt["status_code"]) == (1, "response", 200)


def test_delete_webhook(tenant: Tenant) -> None:
    """A deleted endpoint is gone."""
    id = tenant.register()["id"]
    tenant.json("webhooks", "delete", id)
    assert tenant.hookferry("webhooks", "show", id).exit_code == 4


# events and deliveries


def test_list_events(tenant: Tenant) -> None:
    """Events are listed, the newest first."""
    sent = [tenant.json("send", "a", "--data", "1")["id"] for _ in range(3)]
    assert ids(tenant.json("events", "list")) == sent[::-1]


def test_filter_events(tenant: Tenant) -> None:
    """Events can be listed by type."""
    for type in ("a", "b", "a"):
        tenant.json("send", type, "--data", "1")
    assert len(tenant.json("events", "list", "--type", "a")["data"]) == 2


def test_find_an_idempotency_key(tenant: Tenant) -> None:
    """An event can be found by its idempotency key."""
    sent = tenant.json("send", "a", "--data", "1", "--idempotency-key", "k 1&x=2")
    assert ids(tenant.json("events", "list", "--idempotency-key", "k 1&x=2")) == [sent["id"]]


@pytest.mark.parametrize(("option", "count"), [("--since", 1), ("--until", 0)])
@pytest.mark.parametrize("age", ["1h", "iso"])
def test_times_of_events(tenant: Tenant, option: str, count: int, age: str) -> None:
    """A list can be narrowed to a time, as an age or in ISO 8601."""
    moment = (datetime.now(UTC) - timedelta(hours=1)).isoformat() if age == "iso" else age
    tenant.json("send", "a", "--data", "1")
    assert len(tenant.json("events", "list", option, moment)["data"]) == count


def test_a_time_that_is_none(tenant: Tenant) -> None:
    """A time that the server cannot read is exit code 5."""
    assert tenant.hookferry("events", "list", "--since", "yesterday").exit_code == 5


def test_show_an_event(tenant: Tenant) -> None:
    """An event is shown with its payload; numbers stay as they were written."""
    sent = tenant.json("send", "a", "--data", '{"n": 1.50}')
    assert '"n": 1.50' in tenant.hookferry("events", "show", sent["id"]).stdout


def test_pages(tenant: Tenant) -> None:
    """A cursor leads from page to page, and no row is skipped or repeated."""
    sent = [tenant.json("send", "a", "--data", "1")["id"] for _ in range(5)]
    first = tenant.json("events", "list", "--limit", "3")
    second = tenant.json("events", "list", "--limit", "3", "--cursor", first["next"])
    assert (ids(first) + ids(second), second["next"]) == (sent[::-1], None)


def test_more_rows_than_a_page(tenant: Tenant) -> None:
    """A limit beyond the API's pages is met by several of them."""
    tenant.json("send", "--file", "-", input=b'{"type":"a","payload":1}\n' * 250)
    page = tenant.json("events", "list", "--limit", "230")
    assert (len(set(ids(page))), page["next"] is not None) == (230, True)


def test_list_deliveries(tenant: Tenant) -> None:
    """Deliveries can be listed by several states."""
    tenant.register()
    delivered(tenant, 1, 2)
    args = ("deliveries", "list", "--status", "succeeded", "--status", "failed")
    assert [row["status"] for row in tenant.json(*args)["data"]] == ["succeeded"] * 2


def test_show_a_delivery(tenant: Tenant) -> None:
    """A delivery is shown by its id."""
    tenant.register()
    delivered(tenant, 1)
    (id,) = ids(tenant.json("deliveries", "list"))
    assert tenant.json("deliveries", "show", id)["attempts"] == 1


def test_attempts_of_a_delivery(tenant: Tenant) -> None:
    """The attempts of a delivery are listed."""
    tenant.register()
    delivered(tenant, 1)
    (id,) = ids(tenant.json("deliveries", "list"))
    assert [row["delivery"] for row in tenant.json("deliveries", "attempts", id)["data"]] == [id]


def test_cancel(tenant: Tenant) -> None:
    """A delivery that waits can be cancelled."""
    tenant.json("webhooks", "pause", tenant.register()["id"])
    tenant.json("send", "a", "--data", "1")
    (id,) = ids(tenant.json("deliveries", "list"))
    assert tenant.json("deliveries", "cancel", id)["status"] == "cancelled"


def test_retry_a_final_delivery(tenant: Tenant) -> None:
    """A final delivery is sent again as a new one."""
    tenant.register()
    delivered(tenant, 1)
    (id,) = ids(tenant.json("deliveries", "list"))
    assert tenant.json("retry", id)["retry_of"] == id


def test_retry_a_pending_delivery(tenant: Tenant) -> None:
    """A delivery that waits for its next attempt is sent now."""
    tenant.register()
    tenant.world.receiver.answer(tenant.target, Answer(500), Answer(200))
    delivered(tenant, 1)
    (id,) = ids(tenant.json("deliveries", "list", "--status", "pending"))
    tenant.json("retry", id)
    assert [arrival.status for arrival in tenant.world.arrivals(tenant.target, 2)] == [500, 200]


# tenants, keys, event types


def test_the_only_tenant(tenant: Tenant) -> None:
    """A key that sees one tenant needs not name it."""
    key = tenant.world.json(
        "keys", "create", "--permission", "events:write", "--permission", "events:read", "--tenant", tenant.id
    )
    sent = tenant.world.json("send", "a", "--data", "1", HOOKFERRY_KEY=key["key"])
    assert ids(tenant.json("events", "list")) == [sent["id"]]


def test_several_tenants(world: World, tenant: Tenant) -> None:
    """A key that sees several tenants is asked to name one."""
    world.json("tenants", "create", "Another")
    result = world.hookferry("events", "list")
    assert (result.exit_code, "--tenant" in result.stderr) == (2, True)


def test_change_a_tenant(tenant: Tenant) -> None:
    """A tenant's name can be changed."""
    tenant.json("tenants", "update", tenant.id, "--name", "Renamed")
    assert tenant.json("tenants", "show", tenant.id)["name"] == "Renamed"


def test_delete_a_tenant(tenant: Tenant) -> None:
    """A tenant is deleted once that is confirmed."""
    tenant.json("tenants", "delete", tenant.id, "--yes")
    assert tenant.hookferry("tenants", "show", tenant.id).exit_code == 4


def test_deleting_a_tenant_asks(tenant: Tenant) -> None:
    """A tenant is not deleted without a yes."""
    tenant.hookferry("tenants", "delete", tenant.id, input="n\n")
    assert tenant.json("tenants", "show", tenant.id)["id"] == tenant.id


def test_a_key_lacks_a_permission(tenant: Tenant) -> None:
    """A key without the permission is exit code 3."""
    key = tenant.world.json("keys", "create", "--permission", "events:read", "--tenant", tenant.id)
    assert tenant.world.hookferry("send", "a", "--data", "1", HOOKFERRY_KEY=key["key"]).exit_code == 3


def test_list_keys(tenant: Tenant) -> None:
    """Keys are listed without their text."""
    key = tenant.world.json("keys", "create", "--permission", "events:read", "--name", "N")
    out = tenant.world.hookferry("keys", "list", "--limit", "1").stdout
    assert (json.loads(out)["data"][0]["id"], key["key"] in out) == (key["id"], False)


def test_delete_a_key(tenant: Tenant) -> None:
    """A deleted key is refused at once."""
    key = tenant.world.json("keys", "create", "--permission", "admin")
    tenant.world.json("keys", "delete", key["id"])
    assert tenant.world.hookferry("tenants", "list", HOOKFERRY_KEY=key["key"]).exit_code == 3


def test_a_key_that_ends(tenant: Tenant) -> None:
    """A key can end by itself."""
    key = tenant.world.json("keys", "create", "--permission", "admin", "--expires-at", "2999-01-01T00:00:00Z")
    assert key["expires_at"] == "2999-01-01T00:00:00.000Z"


def test_a_key_of_nothing(tenant: Tenant) -> None:
    """A key without permissions and without a member is exit code 5."""
    assert tenant.world.hookferry("keys", "create", "--tenant", tenant.id).exit_code == 5


def test_features(tenant: Tenant) -> None:
    """Features are turned on and off one by one."""
    tenant.json("tenants", "update", tenant.id, "--feature", "webhooks", "--feature", "beta")
    tenant.json("tenants", "update", tenant.id, "--no-feature", "beta", "--feature", "developer-docs")
    assert tenant.json("tenants", "show", tenant.id)["features"] == ["developer-docs", "webhooks"]


def test_features_from_the_start(world: World) -> None:
    """A tenant can be made with features."""
    assert world.json("tenants", "create", "T", "--feature", "webhooks")["features"] == ["webhooks"]


def test_a_rename_leaves_features(tenant: Tenant) -> None:
    """Features stay when they are not spoken of."""
    tenant.json("tenants", "update", tenant.id, "--feature", "webhooks")
    assert tenant.json("tenants", "update", tenant.id, "--name", "N")["features"] == ["webhooks"]


# roles and members


def role(tenant: Tenant, *permissions: str) -> str:
    """The id of a new role."""
    options = [word for permission in permissions for word in ("--permission", permission)]
    return str(tenant.json("roles", "create", "R", *options)["id"])


def test_roles(tenant: Tenant) -> None:
    """Roles are listed, the newest first."""
    made = [role(tenant), role(tenant, "webhooks:read")]
    assert ids(tenant.json("roles", "list")) == made[::-1]


def test_update_a_role(tenant: Tenant) -> None:
    """What is given is changed, the rest stays."""
    id = role(tenant, "webhooks:read")
    tenant.json("roles", "update", id, "--name", "Reader")
    shown = tenant.json("roles", "show", id)
    assert (shown["name"], shown["permissions"]) == ("Reader", ["webhooks:read"])


def test_delete_a_role(tenant: Tenant) -> None:
    """A deleted role is gone."""
    id = role(tenant)
    tenant.json("roles", "delete", id)
    assert tenant.hookferry("roles", "show", id).exit_code == 4


def test_members(tenant: Tenant) -> None:
    """Members are listed with their roles."""
    id = role(tenant)
    tenant.json("members", "create", "Ada", "--role", id, "--email", "ada@example.com")
    rows = tenant.json("members", "list")["data"]
    assert [(row["name"], row["email"], row["role"]) for row in rows] == [("Ada", "ada@example.com", id)]


def test_a_role_in_use(tenant: Tenant) -> None:
    """A role that a member has cannot be deleted: exit code 5."""
    id = role(tenant)
    tenant.json("members", "create", "Ada", "--role", id)
    assert tenant.hookferry("roles", "delete", id).exit_code == 5


def test_a_members_key(tenant: Tenant) -> None:
    """A member's key does what the member's role says, and another role holds at once."""
    ada = tenant.json("members", "create", "Ada", "--role", role(tenant))["id"]
    key = tenant.world.json("keys", "create", "--member", ada)["key"]
    before = tenant.world.hookferry("webhooks", "list", HOOKFERRY_KEY=key).exit_code
    tenant.json("members", "update", ada, "--role", role(tenant, "webhooks:read"))
    assert (before, tenant.world.hookferry("webhooks", "list", HOOKFERRY_KEY=key).exit_code) == (3, 0)


def test_a_deleted_members_key(tenant: Tenant) -> None:
    """A deleted member's key is refused."""
    ada = tenant.json("members", "create", "Ada", "--role", role(tenant))["id"]
    key = tenant.world.json("keys", "create", "--member", ada)["key"]
    tenant.json("members", "delete", ada)
    assert tenant.world.hookferry("tenants", "list", HOOKFERRY_KEY=key).exit_code == 3


def test_event_types(world: World) -> None:
    """The catalogue is listed."""
    assert world.json("event-types", "list")["data"] == []


def test_egress(world: World) -> None:
    """The addresses that deliveries come from are printed."""  # Y-15
    assert world.json("egress") == {"addresses": []}


def alert(tenant: Tenant, *args: str) -> Any:
    """A new alert that notifies a new endpoint."""
    url = tenant.world.receiver.url + tenant.target
    return tenant.json("alerts", "create", "Jobs", "--url", url, *args)


def test_create_an_alert(tenant: Tenant) -> None:
    """It names old endpoints and new ones, whose secrets are printed."""  # Y-11
    old = tenant.register()["id"]
    made = alert(tenant, "--notify", old, "--on", "job.finished", "--scope", "outcome=failed")
    (new,) = made["created"]
    assert (made["endpoints"], new["secret"][:6]) == ([old, new["id"]], "whsec_")
    assert (made["event_types"], made["scope"]) == (["job.finished"], {"outcome": ["failed"]})


def test_list_alerts(tenant: Tenant) -> None:
    """The newest first."""
    ids = [alert(tenant)["id"] for _ in range(2)]
    assert [row["id"] for row in tenant.json("alerts", "list")["data"]] == ids[::-1]


def test_show_an_alert(tenant: Tenant) -> None:
    """Without secrets."""
    made = alert(tenant, "--message", "Look!")
    del made["created"]
    assert tenant.json("alerts", "show", made["id"]) == made


def test_update_an_alert(tenant: Tenant) -> None:
    """What is given changes, and the rest stays."""
    made = alert(tenant)
    silent = tenant.json("alerts", "update", made["id"], "--silent")
    assert (silent["active"], silent["endpoints"]) == (False, made["endpoints"])


def test_delete_an_alert(tenant: Tenant) -> None:
    """It is gone: exit code 4."""
    id = alert(tenant)["id"]
    tenant.json("alerts", "delete", id)
    assert tenant.hookferry("alerts", "show", id).exit_code == 4


def test_an_alert_without_endpoints(tenant: Tenant) -> None:
    """It is refused: exit code 5."""
    assert tenant.hookferry("alerts", "create", "Jobs").exit_code == 5


def test_an_alert_goes_off(tenant: Tenant) -> None:
    """What is sent is told to the alert's endpoint, in its own words."""  # Y-12
    alert(tenant, "--on", "job.finished", "--message", "Look!")
    tenant.json("send", "job.finished", "--data", '{"rows": 0}')
    bodies = [json.loads(arrival.body) for arrival in tenant.world.arrivals(tenant.target, 2)]
    (told,) = [body for body in bodies if body["type"] == "status.alert"]
    assert (told["data"]["alert"]["message"], told["data"]["payload"]) == ("Look!", {"rows": 0})
