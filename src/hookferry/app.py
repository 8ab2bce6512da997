"""Picks the parts and puts them together: the only place that names a backend."""

import asyncio
import gc
import os
import random
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import TYPE_CHECKING

import msgspec
import structlog
import uvicorn
import uvloop
from prometheus_client import CollectorRegistry

from hookferry import logs
from hookferry.api.app import create_app
from hookferry.api.publish import PublishRoutes
from hookferry.api.vitals import Vitals
from hookferry.clock import Clock
from hookferry.config import Settings
from hookferry.databases import secret_key, store_of
from hookferry.delivery.dispatcher import Dispatcher
from hookferry.delivery.executor import Executor
from hookferry.delivery.guard import Guard
from hookferry.delivery.keeper import Keeper
from hookferry.delivery.observer import Observer
from hookferry.delivery.sender import Sender
from hookferry.dev import Development
from hookferry.dialects import check_root, routers
from hookferry.errors import StartError, Unavailable
from hookferry.ids import IdMaker
from hookferry.model import Key, Permission
from hookferry.processes import bound, serve_many
from hookferry.service.alerts import Alerts
from hookferry.service.catalogue import Catalogue
from hookferry.service.contracts import Contracts
from hookferry.service.endpoints import Endpoints
from hookferry.service.explanations import Explanations
from hookferry.service.history import History
from hookferry.service.keys import Keys
from hookferry.service.members import Members
from hookferry.service.operational import OperationalEvents
from hookferry.service.polling import Poll
from hookferry.service.previews import Previews
from hookferry.service.publish import Publisher
from hookferry.service.readiness import Readiness
from hookferry.service.replays import Replays
from hookferry.service.roles import Roles
from hookferry.service.secrets import Secrets
from hookferry.service.services import Services
from hookferry.service.tail import Tail
from hookferry.service.tenants import Tenants
from hookferry.siblings import Siblings
from hookferry.store.base import Store

if TYPE_CHECKING:
    from hookferry.databases import AnyStore

_log = structlog.get_logger("hookferry")


class Server(msgspec.Struct, frozen=True):
    """A running Hookferry. `url` is its own address."""

    url: str
    services: Services
    development: Development | None


def serve(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT; the exit code. Raises StartError, ConfigError."""
    logs.configure(settings.log_format, settings.log_level)
    if settings.processes > 1:
        return serve_many(settings, _serve_one)
    return _serve_one(settings)


def _serve_one(settings: Settings, siblings: Siblings | None = None) -> int:
    return uvloop.run(_serve(settings, siblings))


async def _serve(settings: Settings, siblings: Siblings | None) -> int:
    stop = asyncio.Event()
    _on_signals(stop)
    async with running(settings, siblings) as server:
        if server.development is not None:
            print(server.development.welcome(server.url), file=sys.stderr)
        _log.info("ready", url=server.url)
        # What is there now lives as long as the process: the collector need not look at it again. An event
        # makes hundreds of objects and no cycles: with the default of 700 it took 5 % of the processor.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
        await stop.wait()
        _log.info("stopping", grace_seconds=settings.grace)
    _log.info("stopped")
    return 0


def _on_signals(stop: asyncio.Event) -> None:
    """The first signal stops in order, the second at once (FAULTS, 5): the database is safe at any moment."""

    def handle(number: int) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, handle, number)


@asynccontextmanager
async def running(settings: Settings, siblings: Siblings | None = None) -> AsyncIterator[Server]:
    """A whole server on this event loop, one of several on its port if there are `siblings`.

    It has stopped in order once the context ends.

    Raises StartError: port in use, file owned by another process, no key.
    """
    with bound(settings, listen=True) as listener:
        store = store_of(settings, delivers=settings.role != "api")
        await store.open()
        try:
            development = Development(secret_key(settings), settings.admin_key) if settings.dev else None
            if development is not None:
                settings = development.applied(settings)
            _require_key(settings, store, store.clock.now())
            async with _parts(settings, store, listener, development, siblings) as server:
                yield server
        finally:
            await store.close()


@asynccontextmanager
async def _parts(
    settings: Settings,
    store: "AnyStore",
    listener: socket.socket,
    development: Development | None,
    siblings: Siblings | None,
) -> AsyncIterator[Server]:
    clock = store.clock
    ids = IdMaker.seeded(clock.now)
    contracts = Contracts(store, clock, settings.contracts_folder())
    await contracts.pin_all()
    check_root(settings.contract)
    observer = Observer(logs.Lines(settings.log_format, settings.log_level), CollectorRegistry())
    sender = _sender(settings)
    dispatcher = _dispatcher(settings, store, clock, ids, contracts, sender)
    publisher = Publisher(
        store, clock, ids, dispatcher, contracts, settings.payload_limit, observer.published
    )
    services = _services(settings, store, clock, ids, contracts, sender, dispatcher, publisher)
    store.batches = observer.committed
    store.cancellations = observer.cancelled
    store.about = OperationalEvents(store.directory, ids, contracts, settings.operator_tenant).about
    store.listen(observer.settled)
    if settings.embedded:
        store.listen(services.tail.on_settled)
    keeper = _keeper(settings, store, clock, dispatcher, services)
    ready = Readiness(store, clock).check
    metrics = observer.exposition(store, dispatcher, clock)
    rest = create_app(
        services,
        metrics if siblings is None else siblings.together(metrics),
        ready,
        routers(services, settings.contract),
    )
    api = PublishRoutes(publisher, services.keys, contracts, store.directory, settings.payload_limit, rest)
    http = _Uvicorn(Vitals(rest) if settings.role == "worker" else api, settings)
    if settings.role == "api":
        # Other processes deliver: all that is published waits in the database for them.
        await dispatcher.stop(0)
    # The built-in receiver is there before the engine and after it.
    receiving = development.receiving(services) if development else nullcontext()
    answering = siblings.answering(lambda: observer.told(store, dispatcher)) if siblings else nullcontext()
    async with (
        receiving,
        answering,
        _working(dispatcher, keeper, sender, http, listener, settings.grace, services.tail),
    ):
        host, port = listener.getsockname()[:2]
        yield Server(f"http://{f'[{host}]' if ':' in host else host}:{port}", services, development)


def _keeper(
    settings: Settings, store: Store, clock: Clock, dispatcher: Dispatcher, services: Services
) -> Keeper:
    """What has to be done from time to time."""
    return Keeper(
        store,
        clock,
        settings.lease,
        settings.retention,
        settings.body_retention,
        dispatcher.wake,
        services.keys.note_uses,
        services.replays.advance,
    )


def _dispatcher(
    settings: Settings, store: Store, clock: Clock, ids: IdMaker, contracts: Contracts, sender: Sender
) -> Dispatcher:
    """What delivers, from the lanes to the settlement."""
    executor = Executor(store, clock, ids, contracts, sender, random.random, settings.time_scale)
    return Dispatcher(
        store,
        clock,
        executor.deliver,
        executor.give_back,
        settings.concurrency,
        settings.endpoint_concurrency,
        executor.policy,
    )


def _services(
    settings: Settings,
    store: Store,
    clock: Clock,
    ids: IdMaker,
    contracts: Contracts,
    sender: Sender,
    dispatcher: Dispatcher,
    publisher: Publisher,
) -> Services:
    """What the APIs ask: each tells the engine what concerns it."""
    endpoints = Endpoints(
        store, clock, ids, contracts, os.urandom, publisher, dispatcher.wake, settings.allow_net
    )
    return Services(
        contracts=contracts,
        previews=Previews(contracts, clock, sender.on_wire, settings.payload_limit),
        tenants=Tenants(store, clock, ids, contracts),
        roles=Roles(store, clock, ids),
        members=Members(store, clock, ids),
        keys=Keys(store, clock, ids, contracts, os.urandom, settings.admin_key),
        endpoints=endpoints,
        alerts=Alerts(store, clock, ids, contracts, endpoints),
        secrets=Secrets(store, clock, contracts, os.urandom),
        catalogue=Catalogue(store),
        history=History(store, clock, ids, dispatcher.wake, dispatcher.drop),
        replays=Replays(store, clock, ids, contracts, endpoints, dispatcher.wake),
        explanations=Explanations(store, contracts),
        # This process settles all that is in a SQLite file: there is nothing to be read.
        tail=Tail(None if settings.embedded else Poll(store, clock).run),
        egress=settings.egress(),
    )


class _Uvicorn(uvicorn.Server):
    """uvicorn without its signal handlers: ours decide when it ends."""

    def __init__(self, api: PublishRoutes | Vitals, settings: Settings) -> None:
        super().__init__(
            uvicorn.Config(
                api,
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=settings.access_log,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=max(1, int(settings.grace)),
            )
        )
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def _working(
    dispatcher: Dispatcher,
    keeper: Keeper,
    sender: Sender,
    http: _Uvicorn,
    listener: socket.socket,
    grace: float,
    tail: Tail,
) -> AsyncIterator[None]:
    """The API and what delivers. They stop together: nothing more is taken or sent, and what is under way
    shares one grace. What is still published meanwhile waits in the database for the next start.
    """
    tasks = [asyncio.create_task(run) for run in (dispatcher.run(), keeper.run(), http.serve([listener]))]
    await http.up.wait()
    try:
        yield
    finally:
        tail.close()
        keeper.stop()
        http.should_exit = True
        await dispatcher.stop(grace)
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        await sender.close()
        for failure in ended:
            if isinstance(failure, BaseException):
                raise failure


def _sender(settings: Settings) -> Sender:
    """Raises StartError if deliveries cannot come from where they should."""
    try:
        return Sender(
            Guard(settings.allow_net), body_limit=settings.response_limit, bind=settings.bind_address
        )
    except Unavailable as error:
        raise StartError(f"{error.message} Name addresses of this machine with --bind-address.") from error


def _opens_all(key: Key, now: int) -> bool:
    unexpired = key.expires_at is None or key.expires_at > now
    return unexpired and key.tenant is None and Permission.ADMIN in key.permissions


def _require_key(settings: Settings, store: Store, now: int) -> None:
    """Raises StartError if nobody could use the API: there is no default key."""
    if settings.admin_key or any(_opens_all(key, now) for key in store.directory.keys.values()):
        return
    raise StartError(
        "There is no key. Set HOOKFERRY_ADMIN_KEY to 32 random characters or more (for example from "
        "`openssl rand -hex 32`), or start with --dev to try things out."
    )
