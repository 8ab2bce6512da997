"""Contracts in versions: built in, of a folder, uploaded; tenants are pinned to one (issue 3, point 6)."""

from pathlib import Path

import msgspec
import pytest

from hookferry.contracts import builtin
from hookferry.contracts.texts import builtin_text
from hookferry.errors import Conflict, ContractError, Invalid, NotFound, StartError
from hookferry.model import ContractText, Tenant
from hookferry.service.contracts import Contracts, Origin
from hookferry.service.forms import NewContract, NewEndpoint, NewTenant, TenantChange
from hookferry.service.principal import OPERATOR
from hookferry.service.services import Services
from hookferry.store.base import Store
from tests.support.clock import ManualClock
from tests.support.contracts import acme

FIRST, SECOND = acme("one"), acme("two")


async def uploaded(services: Services, *texts: str) -> list[str]:
    """The versions of texts that are uploaded in turn."""
    return [(await services.contracts.upload(NewContract(text=text))).version for text in texts]


async def pinned(services: Services, text: str = FIRST, id: str = "a") -> Tenant:
    """A tenant that is pinned to an uploaded contract."""
    await uploaded(services, text)
    return await services.tenants.create(NewTenant(id=id, name="A", contract="acme"))


def written(folder: Path, text: str = FIRST, name: str = "acme.toml") -> Path:
    """The folder, with a file in it."""
    (folder / name).write_text(text)
    return folder


async def test_a_new_tenant_is_pinned(services: Services) -> None:
    """To the version that is the latest when it is made."""
    (version,) = await uploaded(services, FIRST)
    assert (await services.tenants.create(NewTenant(name="A", contract="acme"))).contract_version == version


async def test_a_built_in_text_is_kept_with_its_tenant(services: Services, store: Store) -> None:
    """So that an upgrade changes nothing for it."""
    kept = store.directory.contract_texts[services.tenants.get("demo").contract_version]
    assert kept == builtin_text("standard")


async def test_another_text_is_a_new_version(services: Services) -> None:
    """The latest comes first, the old one stays."""
    first, second = await uploaded(services, FIRST, SECOND)
    assert [text.version for text in services.contracts.versions("acme")] == [second, first]


async def test_an_old_text_again_is_the_latest(services: Services) -> None:
    """To go back is to upload what was there before."""
    first, *_ = await uploaded(services, FIRST, SECOND, FIRST)
    latest = services.contracts.latest("acme")
    assert latest is not None
    assert latest.version == first


async def test_a_new_version_leaves_tenants_alone(services: Services) -> None:
    """A tenant stays at its version."""
    tenant = await pinned(services)
    await uploaded(services, SECOND)
    assert services.contracts.of(services.tenants.get("a")).version == tenant.contract_version


async def test_move_to_the_latest(services: Services) -> None:
    """The operator moves a tenant."""
    await pinned(services)
    (second,) = await uploaded(services, SECOND)
    moved = await services.tenants.change("a", TenantChange(contract_version="latest"))
    assert (moved.contract_version, services.contracts.of(moved).title) == (second, "two")


async def test_move_back(services: Services) -> None:
    """To any version that is there, endpoints or not."""
    first = (await pinned(services)).contract_version
    await services.endpoints.create("a", NewEndpoint(url="https://example.com"))
    await uploaded(services, SECOND)
    await services.tenants.change("a", TenantChange(contract_version="latest"))
    moved = await services.tenants.change("a", TenantChange(contract_version=first))
    assert services.contracts.of(moved).title == "one"


async def test_move_to_another_contracts_version(services: Services) -> None:
    """A version must be one of the tenant's contract."""
    await pinned(services)
    with pytest.raises(Invalid) as caught:
        await services.tenants.change("a", TenantChange(contract_version=builtin("standard").version))
    assert caught.value.field == "contract_version"


async def test_another_contract_pins_to_its_latest(services: Services) -> None:
    """While there are no endpoints."""
    await pinned(services)
    moved = await services.tenants.change("a", TenantChange(contract="standard"))
    assert moved.contract_version == builtin("standard").version


async def test_another_contract_with_endpoints(services: Services) -> None:
    """Their secrets are made for the one that they have."""
    await pinned(services)
    await services.endpoints.create("a", NewEndpoint(url="https://example.com"))
    with pytest.raises(Conflict):
        await services.tenants.change("a", TenantChange(contract="standard"))


async def test_the_same_contract_again_moves_nothing(services: Services) -> None:
    """Who says the name only stays at the version."""
    first = (await pinned(services)).contract_version
    await uploaded(services, SECOND)
    same = await services.tenants.change("a", TenantChange(contract="acme"))
    assert same.contract_version == first


async def test_a_version_that_cannot_read_the_secrets(services: Services) -> None:
    """It is refused at the move, not at each delivery."""
    await pinned(services)
    await services.endpoints.create("a", NewEndpoint(url="https://example.com"))
    await uploaded(services, acme("two", prefix="other_"))
    with pytest.raises(Conflict) as caught:
        await services.tenants.change("a", TenantChange(contract_version="latest"))
    assert caught.value.field == "contract_version"


async def test_a_version_that_sets_an_endpoints_header(services: Services) -> None:
    """A custom header would stand there twice."""
    await pinned(services)
    await services.endpoints.create("a", NewEndpoint(url="https://example.com", headers={"X-New": "1"}))
    await uploaded(services, acme("two", header="x-new"))
    with pytest.raises(Conflict):
        await services.tenants.change("a", TenantChange(contract_version="latest"))


async def test_usage(services: Services) -> None:
    """How many tenants are at each version."""
    first = (await pinned(services)).contract_version
    second = (await pinned(services, SECOND, "b")).contract_version
    usage = services.contracts.usage(OPERATOR)
    assert (usage[first], usage[second]) == (1, 1)


async def test_an_invalid_text(services: Services) -> None:
    """The line and what is wrong."""
    with pytest.raises(Invalid, match=r"contract\.toml:2: title: ") as caught:
        await uploaded(services, FIRST.replace('title = "one"', "title = 1"))
    assert (caught.value.code, caught.value.field) == ("invalid_contract", "text")


async def test_invalid_vectors(services: Services) -> None:
    """Of the vectors too."""
    with pytest.raises(Invalid, match=r"contract\.vectors\.toml:1: ") as caught:
        await services.contracts.upload(NewContract(text=FIRST, vectors="x = 1\n"))
    assert caught.value.field == "vectors"


async def test_a_built_in_name(services: Services) -> None:
    """A built-in contract cannot be replaced."""
    with pytest.raises(Conflict):
        await uploaded(services, FIRST.replace('name = "acme"', 'name = "standard"'))


async def test_delete(services: Services) -> None:
    """An uploaded contract without tenants goes, all versions."""
    await uploaded(services, FIRST, SECOND)
    await services.contracts.delete("acme")
    assert "acme" not in services.contracts.names()


async def test_delete_what_a_tenant_has(services: Services) -> None:
    """One with a tenant stays."""
    await pinned(services)
    with pytest.raises(Conflict):
        await services.contracts.delete("acme")


async def test_delete_a_built_in(services: Services) -> None:
    """A built-in one stays."""
    with pytest.raises(Conflict):
        await services.contracts.delete("standard")


async def test_a_version_that_is_not_there(services: Services) -> None:
    """Nobody has it."""
    with pytest.raises(NotFound):
        services.contracts.text("standard", "0123456789ab")


async def test_folder(store: Store, clock: ManualClock, tmp_path: Path) -> None:
    """A file of the folder is a contract."""
    contracts = Contracts(store, clock, written(tmp_path))
    assert contracts.origin("acme") is Origin.FOLDER


async def test_a_file_that_is_gone(
    services: Services, store: Store, clock: ManualClock, tmp_path: Path
) -> None:
    """Its tenants stay at their version, and no new one gets it."""
    tenant = await pinned(services)
    text = msgspec.structs.replace(store.directory.contract_texts[tenant.contract_version], uploaded_at=None)
    store.directory.put_contract(text)
    contracts = Contracts(store, clock)
    assert (contracts.origin("acme"), contracts.of(tenant).title) == (Origin.GONE, "one")
    with pytest.raises(Invalid):
        contracts.choose("acme")


async def test_a_file_hides_an_upload(
    services: Services, store: Store, clock: ManualClock, tmp_path: Path
) -> None:
    """New tenants get the file's; the others stay where they are."""
    tenant = await pinned(services)
    contracts = Contracts(store, clock, written(tmp_path, SECOND))
    assert (contracts.compiled(contracts.choose("acme")).title, contracts.of(tenant).title) == ("two", "one")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("acme.toml", FIRST.replace("[body]", "[bod]"), r"acme\.toml:\d+: "),
        ("other.toml", FIRST, r"other\.toml:1: name: .*acme\.toml"),
        ("standard.toml", builtin_text("standard").text, r"standard\.toml:\d: name: standard is a built-in"),
        ("acme.vectors.toml", "", r"acme\.vectors\.toml: .*without a contract acme\.toml"),
        ("acme.toml", "\xff", r"acme\.toml:1: not UTF-8"),
    ],
)
async def test_a_faulty_folder(
    store: Store, clock: ManualClock, tmp_path: Path, name: str, text: str, message: str
) -> None:
    """The file, the line and what is wrong."""
    (tmp_path / name).write_bytes(text.encode("latin-1"))
    with pytest.raises(ContractError, match=message):
        Contracts(store, clock, tmp_path)


async def test_no_folder(store: Store, clock: ManualClock, tmp_path: Path) -> None:
    """A folder that is not there."""
    with pytest.raises(ContractError, match="contracts_dir"):
        Contracts(store, clock, tmp_path / "none")


async def test_a_kept_text_that_no_longer_loads(store: Store, clock: ManualClock) -> None:
    """The start names its tenants."""
    text = ContractText("0123456789ab", "acme", 'name = "acme"\n')
    await store.add_tenant(Tenant("a", "A", "acme", 0, contract_version=text.version), text)
    with pytest.raises(StartError, match="acme in the version 0123456789ab, of the tenant a,"):
        Contracts(store, clock)


async def test_an_unused_text_that_no_longer_loads(store: Store, clock: ManualClock) -> None:
    """One that no tenant has holds no start up, and is not offered."""
    await store.put_contract(ContractText("0123456789ab", "acme", 'name = "acme"\n', None, 1))
    assert "acme" not in Contracts(store, clock).names()


async def test_tenants_of_before_there_were_versions(store: Store, clock: ManualClock) -> None:
    """They are pinned at the first start."""
    await store.add_tenant(Tenant("old", "Old", "standard", 0))
    await Contracts(store, clock).pin_all()
    assert store.directory.tenant("old").contract_version == builtin("standard").version


async def test_a_tenant_whose_text_is_lost(store: Store, clock: ManualClock) -> None:
    """No start: its receivers would get something else."""
    await store.add_tenant(Tenant("old", "Old", "standard", 0, contract_version="0123456789ab"))
    with pytest.raises(StartError, match="standard in the version 0123456789ab, of the tenant old,"):
        await Contracts(store, clock).pin_all()
