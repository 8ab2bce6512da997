"""URLs that nobody may make us call, and headers that nobody may make us send (FAULTS, egress guard)."""

import asyncio
import socket
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.customer import Customer, customer, running
from tests.support.hostile import OK, answers, hostile
from tests.support.process import ServerProcess

# FAULTS, "URLs that must be refused", in its order: those that a look at the text refuses.
REFUSED = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://0177.0.0.1/",
    "http://0x7f000001/",
    "http://2130706433/",
    "http://0/",
    "http://127.0.0.1./",
    "http://169.254.169.254/",
    "http://2852039166/",
    "http://0xA9FEA9FE/",
    "http://0.0.0.0/",
    "http://10.0.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://100.100.100.200/",
    "http://169.254.170.2/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[::]/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:7f00:1::]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://user:pw@host/",
    "http://host@127.0.0.1/",
    "http://127.0.0.1\\@host/",
    "http://127.0.0.1#@host/",
    "http://[::1]foo/",
    "http://[[::1]]/",
    "http://host:0/",
    "http://host:65536/",
    "http://host:-1/",
    "http://host:+80/",
    "ftp://host/",
    "file:///etc/passwd",
    "gopher://host/",
    "javascript:alert(1)",
    "//host/",
    "http:///127.0.0.1/",
    "http:127.0.0.1",
    " http://host/",
    "http://ho\tst/",
    "http://host/\r\nX: y",
    "http://a..b/",
    "http://host/" + "x" * 65536,
    # The same in other clothes.
    "",
    "http://",
    "http://%31%32%37.0.0.1/",
    "http://127。0。0。1/",
    "http://１２７.0.0.1/",
    "http://①②⑦.0.0.1/",
    "http://a.localhost/",
    "http://host:80:80/",
    "http://host\0/",
    "HTTP://127.0.0.1/",
    "https://127.0.0.1/",
]


def is_address(url: str) -> bool:
    """True if the URL's host is an address in its one proper form: only the guard refuses these."""
    host = url.removeprefix("http://").removesuffix("/")
    with suppress(ValueError):
        return "%" not in host and bool(ip_address(host.removeprefix("[").removesuffix("]")))
    return False


ADDRESSES = [url for url in REFUSED if is_address(url)]


@pytest.mark.parametrize("url", REFUSED, ids=lambda url: ascii(url)[:40])
async def test_register(strict: Customer, url: str) -> None:
    """The URL is refused when an endpoint is registered."""
    answer = await strict.client.post(strict.path("endpoints"), json={"url": url})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_url")


async def test_change(strict: Customer) -> None:
    """Each of these URLs is refused when an endpoint is changed."""
    path = strict.path(f"endpoints/{(await strict.register('http://example.com'))['id']}")
    answers = {url: (await strict.client.patch(path, json={"url": url})).status_code for url in REFUSED}
    assert answers == dict.fromkeys(REFUSED, 422)


async def test_refused_when_dialled(tmp_path: Path) -> None:
    """An address that was allowed when it was registered, and is not any more, is not connected to."""
    before = ServerProcess(tmp_path, "--allow-net", "0.0.0.0/0", "--allow-net", "::/0")
    after = ServerProcess(tmp_path)
    async with hostile(answers(OK)) as receiver:
        urls = [*ADDRESSES, receiver.url(), receiver.url(host="localhost")]
        async with running(before), customer(before) as one:
            for url in urls:
                await one.register(url, timeout=1)
        async with running(after), after.client() as client:
            outcomes = await first_outcomes(Customer(client, one.id))
    assert (outcomes, receiver.peers) == (["forbidden_address"] * len(urls), [])


async def first_outcomes(tenant: Customer) -> list[str]:
    """Publish an event, and what its first attempts gave."""
    async with tenant.tail() as records:
        sent = await tenant.publish()
        return [(await anext(records))["outcome"] for _ in range(sent["deliveries"])]


@pytest.mark.parametrize("host", ["metadata.google.internal", socket.gethostname()])
async def test_names(strict: Customer, host: str) -> None:
    """A name is accepted, and not connected to if it leads to this machine, or to nothing."""
    async with hostile(answers(OK), host="0.0.0.0") as receiver:
        await strict.register(receiver.url(host=host), timeout=1)
        (outcome,) = await first_outcomes(strict)
    assert (outcome.startswith(("forbidden_address", "dns_")), receiver.peers) == (True, [])


async def test_the_test_event_is_guarded(strict: Customer) -> None:
    """The test of an endpoint goes through the guard as well."""
    endpoint = await strict.register(f"http://{socket.gethostname()}/", timeout=1)
    async with strict.tail() as records:
        await strict.ask("POST", f"endpoints/{endpoint['id']}/test")
        assert (await anext(records))["outcome"].startswith(("forbidden_address", "dns_"))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(tenant: Customer, status: int) -> None:
    """A redirect is an answer, with its Location on record, and is never fetched (FAULTS, 21)."""
    async with hostile(answers(OK)) as other:
        location = other.url("/secret")
        redirect = f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
        async with hostile(answers(redirect)) as receiver:
            await tenant.register(receiver.url())
            await first_outcomes(tenant)
    (delivery,) = await tenant.deliveries()
    (attempt,) = await tenant.attempts(delivery["id"])
    assert (attempt["response"]["headers"]["Location"], other.peers) == (location, [])


async def test_coarse_errors(strict: Customer) -> None:
    """An attempt that was forbidden does not say which address a name has inside."""
    await strict.register(f"http://{socket.gethostname()}/", timeout=1)
    await first_outcomes(strict)
    (delivery,) = await strict.deliveries()
    (attempt,) = await strict.attempts(delivery["id"])
    assert attempt["address"] is None


HEADERS: dict[str, dict[str, Any]] = {
    "Host": {"Host": "other"},
    "host": {"host": "other"},
    "Connection": {"Connection": "close"},
    "Keep-Alive": {"Keep-Alive": "1"},
    "Transfer-Encoding": {"Transfer-Encoding": "chunked"},
    "TE": {"TE": "trailers"},
    "Trailer": {"Trailer": "X"},
    "Upgrade": {"Upgrade": "h2c"},
    "Expect": {"Expect": "100-continue"},
    "Proxy-Authorization": {"Proxy-Authorization": "x"},
    "Proxy-Connection": {"Proxy-Connection": "close"},
    "Content-Length": {"Content-Length": "0"},
    "Content-Type": {"Content-Type": "text/plain"},
    "Content-Encoding": {"Content-Encoding": "gzip"},
    "Accept-Encoding": {"Accept-Encoding": "gzip"},
    "Cookie": {"Cookie": "a=b"},
    "Set-Cookie": {"Set-Cookie": "a=b"},
    "webhook-id": {"webhook-id": "x"},
    "Webhook-Signature": {"Webhook-Signature": "v1,x"},
    "X-Signature": {"X-Signature": "x"},
    "no name": {"": "x"},
    "blank in a name": {"X Y": "x"},
    "colon in a name": {"X:": "x"},
    "line end in a name": {"X\r\nHost": "x"},
    "NUL in a name": {"X\0": "x"},
    "letters in a name": {"Ä": "x"},
    "CR LF": {"X": "a\r\nHost: b"},
    "LF": {"X": "a\nb"},
    "CR": {"X": "a\rb"},
    "NUL": {"X": "a\0"},
    "tab": {"X": "a\tb"},
    "DEL": {"X": "\x7f"},
    "letters": {"X": "é"},
    "blank before": {"X": " a"},
    "blank after": {"X": "a "},
    "twice": {"X": "a", "x": "b"},
    "4 KiB": {"X": "a" * 4092},
    "4 KiB in all": {f"X-{number:03}": "a" * 33 for number in range(98)},
    "masked": {"Authorization": "***"},
    "number": {"X": 1},
    "null": {"X": None},
}


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
async def test_headers(strict: Customer, headers: dict[str, Any]) -> None:
    """The header is refused when an endpoint is registered."""
    answer = await strict.client.post(
        strict.path("endpoints"), json={"url": "http://example.com", "headers": headers}
    )
    assert answer.status_code == 422


async def test_headers_of_a_change(strict: Customer) -> None:
    """Each of these headers is refused when an endpoint is changed."""
    path = strict.path(f"endpoints/{(await strict.register('http://example.com'))['id']}")
    answers = {
        name: (await strict.client.patch(path, json={"headers": headers})).status_code
        for name, headers in HEADERS.items()
    }
    assert answers == dict.fromkeys(HEADERS, 422)


async def test_the_largest_header(tenant: Customer) -> None:
    """Custom headers of 4 KiB arrive as they were given."""
    async with hostile(answers(OK)) as receiver:
        await tenant.register(receiver.url(), headers={"X-Long": "a" * 4086})
        await first_outcomes(tenant)
    assert b"\r\nX-Long: " + b"a" * 4086 + b"\r\n" in receiver.requests[0]


async def test_a_flood_of_forbidden_deliveries(strict: Customer) -> None:
    """Many deliveries that are forbidden at once all end in that outcome."""
    for _ in range(6):
        await strict.register(f"http://{socket.gethostname()}/", timeout=1)
    async with strict.tail() as records:
        # One more for each endpoint would open its breaker.
        await asyncio.gather(*[strict.publish() for _ in range(9)])
        outcomes = {(await anext(records))["outcome"] for _ in range(6 * 9)}
    assert len(outcomes) == 1
