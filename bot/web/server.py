"""The gateway's HTTP server: assembles the routes and accepts before anything else is there."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

from sanic import Request, Sanic
from sanic.config import Config
from sanic.response import BaseHTTPResponse

from bot.web import health, payment_hooks, photos, webhooks
from bot.web.api import router as api
from bot.web.chat import routes as chat
from bot.web.console import router as console
from bot.web.console.stream import Streams
from bot.web.docs import routes as docs
from bot.web.errors import Errors
from bot.web.gateway import Gateway
from bot.web.headers import secure
from bot.web.requests import RelaisRequest

AREAS = ("api", "c", "s", "pay", "photos", "console", "docs", "healthz", "readyz", "metrics")
"""First parts of paths that are counted under their own name."""

log = logging.getLogger("relais.web")


def create_app(gateway: Gateway, name: str = "relais", touch_up: bool = True) -> Sanic[Any, Any]:
    """The application over these parts. It opens no connection by itself.

    ``touch_up``: Sanic rewrites its own hot functions at start, which works once a process; tests leave it out.
    """
    app: Sanic[Any, Any] = Sanic(
        name,
        config=_config(touch_up),
        request_class=RelaisRequest,
        error_handler=Errors(),
        configure_logging=False,
    )
    app.ctx.feed = gateway.feed
    metrics = gateway.metrics
    app.blueprint(webhooks.routes(gateway, metrics))
    app.blueprint(payment_hooks.routes(gateway, metrics))
    app.blueprint(health.routes(gateway, metrics))
    app.blueprint(chat.routes(gateway))
    app.blueprint(photos.routes(gateway))
    app.blueprint(api.routes(gateway))
    app.blueprint(docs.routes())
    if gateway.console is not None:
        app.blueprint(console.routes(gateway, gateway.console))
        streams = app.ctx.console_streams = Streams()

        async def end_streams(_: object) -> None:
            streams.close()

        app.register_listener(end_streams, "before_server_stop")

    async def finish(request: Request, response: BaseHTTPResponse) -> None:
        path = request.path
        if path.startswith("/webhooks/"):
            # No page and no browser: what `secure` writes would be a tenth of the hot path. They have metrics of theirs.
            return
        secure(request, response)
        response.headers.update(getattr(request.ctx, "more_headers", {}))
        area = path.split("/", 2)[1] if path.count("/") else ""
        known = area if area in AREAS else "other"
        metrics.requests.labels(known, f"{response.status // 100}xx").inc()

    async def wake_waiting(_: object) -> None:
        # An open stream would hold the server up for as long as it lets requests finish.
        gateway.feed.close()

    app.register_middleware(finish, "response")
    app.register_listener(wake_waiting, "before_server_stop")
    return app


def _config(touch_up: bool) -> Config:
    config = Config(env_prefix="")
    config.update(
        {
            "AUTO_EXTEND": False,  # sanic-ext would take /docs as soon as it is importable
            "ACCESS_LOG": False,  # request lines carry page tokens
            "REQUEST_MAX_SIZE": webhooks.MAX_BODY,
            "REQUEST_MAX_HEADER_SIZE": 16 * 1024,
            "REQUEST_TIMEOUT": 15,
            "RESPONSE_TIMEOUT": 15,
            "KEEP_ALIVE": True,
            "KEEP_ALIVE_TIMEOUT": 30,
            "GRACEFUL_SHUTDOWN_TIMEOUT": 1.0,
            "FALLBACK_ERROR_FORMAT": "text",
            "TOUCHUP": touch_up,
            "MOTD": False,
            "OAS": False,
        }
    )
    return config


async def serve(gateway: Gateway, listening: socket.socket, stop: asyncio.Event) -> None:
    """Serve a bound socket until ``stop`` is set; answers under way get one second."""
    app = create_app(gateway)
    server = await app.create_server(sock=listening, return_asyncio_server=True, access_log=False)
    assert server is not None
    await server.startup()  # type: ignore[no-untyped-call]
    await server.before_start()  # type: ignore[no-untyped-call]
    await server.after_start()  # type: ignore[no-untyped-call]
    log.info("gateway.accepting", extra={"port": listening.getsockname()[1]})
    await stop.wait()
    await server.before_stop()  # type: ignore[no-untyped-call]
    closed = server.close()  # type: ignore[no-untyped-call]
    for connection in list(server.connections):
        connection.close_if_idle()
    end = asyncio.get_running_loop().time() + app.config.GRACEFUL_SHUTDOWN_TIMEOUT
    while server.connections and asyncio.get_running_loop().time() < end:
        await asyncio.sleep(0.02)
    for connection in list(server.connections):
        connection.abort()
    await closed
    await server.after_stop()  # type: ignore[no-untyped-call]
    if gateway.close is not None:
        await gateway.close()
    Sanic.unregister_app(app)
