"""The scriptable receiver, over real sockets."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from hookferry.contracts import builtin
from hookferry.errors import StartError
from hookferry.receiver import Answer, Arrival, Receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
SIGNED = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
BODY = b'{"test": 2432232314}'


class StoppedClock:
    """The moment at which the vector was signed."""

    def now(self) -> int:
        return 1_614_265_330_000

    async def wait(self, signal: asyncio.Event, until: int) -> None:
        await signal.wait()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver(clock=StoppedClock()) as receiver:
        yield receiver


@pytest.fixture
async def client(receiver: Receiver) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=receiver.url, trust_env=False) as client:
        yield client


async def statuses(client: httpx.AsyncClient, target: str, count: int) -> list[int]:
    return [(await client.post(target)).status_code for _ in range(count)]


async def test_answers_200_by_default(client: httpx.AsyncClient) -> None:
    """Without a script everything is taken."""
    assert await statuses(client, "/hooks", 2) == [200, 200]


async def test_answers_in_turn(receiver: Receiver, client: httpx.AsyncClient) -> None:
    """A script's answers come in turn, and the last one repeats."""
    receiver.answer("/hooks", Answer(500), Answer(503), Answer(204))
    assert await statuses(client, "/hooks", 4) == [500, 503, 204, 204]


async def test_scripts_are_by_target(receiver: Receiver, client: httpx.AsyncClient) -> None:
    """Each target has its own script."""
    receiver.answer("/a", Answer(500), Answer(200))
    assert await statuses(client, "/b", 1) + await statuses(client, "/a", 2) == [200, 500, 200]


async def test_the_query_is_a_script(client: httpx.AsyncClient) -> None:
    """A target without a script can carry one in its query."""
    assert await statuses(client, "/hooks?status=500,429,200", 4) == [500, 429, 200, 200]


async def test_retry_after_goes_with_failures(client: httpx.AsyncClient) -> None:
    """The query's Retry-After is sent with failures only."""
    answers = [await client.post("/hooks?status=503,200&retry-after=7") for _ in range(2)]
    assert [answer.headers.get("retry-after") for answer in answers] == ["7", None]


@pytest.mark.parametrize("query", ["status=abc", "status=99", "delay=-1", "delay=nan", "retry-after=soon"])
async def test_an_unreadable_script_is_said(client: httpx.AsyncClient, query: str) -> None:
    """A script that cannot be read is answered with 400."""
    assert await statuses(client, f"/hooks?{query}", 1) == [400]


async def test_headers_and_body_are_sent(receiver: Receiver, client: httpx.AsyncClient) -> None:
    """An answer's headers and body come as they are."""
    receiver.answer("/hooks", Answer(201, headers=(("X-Mood", "good"),), body=b"thanks"))
    answer = await client.post("/hooks")
    assert (answer.status_code, answer.headers["x-mood"], answer.content) == (201, "good", b"thanks")


async def test_arrivals_are_recorded(receiver: Receiver, client: httpx.AsyncClient) -> None:
    """What arrives is kept: id, target, time, headers and the body's bytes."""
    await client.post("/hooks?x=1", content=b"\x00\xff", headers={"webhook-id": "msg_1"})
    (arrival,) = receiver.arrivals
    assert (arrival.id, arrival.target, arrival.at, arrival.body, arrival.status) == (
        "msg_1",
        "/hooks?x=1",
        1_614_265_330_000,
        b"\x00\xff",
        200,
    )


async def test_attempts_are_counted(receiver: Receiver, client: httpx.AsyncClient) -> None:
    """An arrival says the how-many-eth it is of its id at its target."""
    for target, id in [("/a", "1"), ("/a", "2"), ("/a", "1"), ("/b", "1")]:
        await client.post(target, headers={"webhook-id": id})
    assert [arrival.attempt for arrival in receiver.arrivals] == [1, 1, 2, 1]


async def test_memory_is_bounded() -> None:
    """Only the last arrivals are kept; all are counted."""
    async with Receiver(keep=3) as receiver, httpx.AsyncClient(trust_env=False) as client:
        for number in range(5):
            await client.post(f"{receiver.url}/{number}")
        assert (receiver.count, [arrival.target for arrival in receiver.arrivals]) == (5, ["/2", "/3", "/4"])


async def test_a_valid_signature_verifies(receiver: Receiver, client: httpx.AsyncClient) -> None:
    """A request signed with a trusted secret is verified."""
    receiver.trust("/hooks", OTHER, SECRET)
    await client.post("/hooks", content=BODY, headers=SIGNED)
    assert receiver.arrivals[0].verified is True


async def test_a_wrong_signature_does_not_verify(receiver: Receiver, client: httpx.AsyncClient) -> None:
    """A request signed with another secret is not verified, with the reason, and is answered all the same."""
    receiver.trust("/hooks", OTHER)
    answer = await client.post("/hooks", content=BODY, headers=SIGNED)
    arrival = receiver.arrivals[0]
    assert (answer.status_code, arrival.verified, arrival.problem) == (200, False, "signature does not match")


async def test_without_a_secret_nothing_is_verified(receiver: Receiver, client: httpx.AsyncClient) -> None:
    """Without a secret the arrival says neither yes nor no."""
    await client.post("/hooks", content=BODY, headers=SIGNED)
    assert receiver.arrivals[0].verified is None


async def test_a_signed_url_verifies() -> None:
    """A contract that signs the URL, such as `square`, is verified with the one that was called."""
    clock, square = StoppedClock(), builtin("square")
    async with (
        Receiver(clock=clock, contract=square, secrets=[OTHER]) as receiver,
        httpx.AsyncClient(base_url=receiver.url, trust_env=False) as client,
    ):
        headers = square.sign(BODY, "evt_1", OTHER, clock.now(), f"{receiver.url}/hooks?a=b")
        await client.post("/hooks?a=b", content=BODY, headers=dict(headers))
        assert receiver.arrivals[0].verified is True


async def test_common_secrets_verify_every_target() -> None:
    """Secrets given at the start verify whatever has none of its own."""
    async with (
        Receiver(secrets=[SECRET], contract=builtin("standard"), clock=StoppedClock()) as receiver,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        await client.post(receiver.url, content=BODY, headers=SIGNED)
        assert receiver.arrivals[0].verified is True


async def test_arrivals_are_told() -> None:
    """A listener hears of each arrival."""
    heard: list[Arrival] = []
    async with Receiver(tell=heard.append) as receiver, httpx.AsyncClient(trust_env=False) as client:
        await client.post(f"{receiver.url}/a")
    assert [arrival.target for arrival in heard] == ["/a"]


async def test_waiting_for_arrivals(receiver: Receiver, client: httpx.AsyncClient) -> None:
    """`wait_for` returns once enough came."""
    waiting = asyncio.create_task(receiver.wait_for(2))
    await statuses(client, "/hooks", 2)
    assert len(await waiting) == 2


async def test_waiting_ends(receiver: Receiver) -> None:
    """`wait_for` gives up after its time-out, and says how many came."""
    with pytest.raises(TimeoutError, match="0 of 1 requests"):
        await receiver.wait_for(1, timeout=0.01)


async def test_a_delay_holds_up_its_answer_alone(receiver: Receiver, client: httpx.AsyncClient) -> None:
    """An answer waits for its delay; the arrival is known at once, and other connections are answered."""
    receiver.answer("/slow", Answer(delay=30))
    slow = asyncio.create_task(client.post("/slow"))
    await receiver.wait_for(1)
    await client.post("/fast")
    assert slow.cancel()


async def test_closing_does_not_wait_for_delays() -> None:
    """Closing drops answers that are not yet due, and the client sees the connection end."""
    async with httpx.AsyncClient(trust_env=False) as client:
        async with Receiver(answers=[Answer(delay=3600)]) as receiver:
            request = asyncio.create_task(client.post(receiver.url))
            await receiver.wait_for(1)
        with pytest.raises(httpx.TransportError):
            await request


async def raw(receiver: Receiver, *parts: bytes) -> bytes:
    """What the receiver answers to bytes, until it closes."""
    port = int(receiver.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()
    return answer


POST = b"POST /hooks HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
LAST = b"POST /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


async def test_pipelined_requests_are_answered_in_order(receiver: Receiver) -> None:
    """Requests that come together are answered in their order, delays or not."""
    receiver.answer("/hooks", Answer(201, delay=0.02))
    answer = await raw(receiver, POST + POST + LAST)
    assert [line.split()[1] for line in answer.split(b"\r\n") if line.startswith(b"HTTP/")] == [
        b"201",
        b"201",
        b"200",
    ]


async def test_a_request_in_pieces_is_read(receiver: Receiver) -> None:
    """It does not matter how the bytes of a request are cut."""
    await raw(receiver, *(bytes([byte]) for byte in POST + LAST))
    assert [arrival.body for arrival in receiver.arrivals] == [b"{}", b""]


async def test_garbage_is_refused(receiver: Receiver) -> None:
    """What is not HTTP is answered with 400 and the connection ends."""
    assert (await raw(receiver, b"\x16\x03\x01 hello\r\n\r\n")).startswith(b"HTTP/1.1 400 ")


async def test_an_endless_body_is_refused(receiver: Receiver) -> None:
    """A body beyond 16 MiB is answered with 413 and not kept."""
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 17000000\r\n\r\n"
    answer = await raw(receiver, head, bytes(16 * 1024 * 1024 + 1))
    assert (answer[:13], receiver.count) == (b"HTTP/1.1 413 ", 0)


async def test_a_port_in_use_is_said(receiver: Receiver) -> None:
    """A port that is taken is an error that says what to do."""
    port = int(receiver.url.rpartition(":")[2])
    with pytest.raises(StartError, match="choose another port"):
        async with Receiver(port=port):
            pass


async def test_a_free_port_is_shown(receiver: Receiver) -> None:
    """`url` names the port that was found."""
    assert receiver.url.startswith("http://127.0.0.1:")
