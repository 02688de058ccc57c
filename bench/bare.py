"""The yardstick of ``bench.webhooks``: a Sanic handler that appends each body to the same Redis, and nothing else."""

from __future__ import annotations

import sys

import redis.asyncio as redis
from sanic import HTTPResponse, Request, Sanic

from bot.storage.connection import CONNECTIONS


def main(port: int, redis_url: str) -> None:
    """Serve on loopback until told to end."""
    app: Sanic = Sanic("bare", configure_logging=False)
    app.config.MOTD = False
    app.config.ACCESS_LOG = False
    store = redis.Redis.from_pool(
        redis.BlockingConnectionPool.from_url(redis_url, max_connections=CONNECTIONS, protocol=2)
    )

    @app.post("/append")
    async def append(request: Request) -> HTTPResponse:
        await store.rpush("bare:{p00}:list", request.body)
        return HTTPResponse(b"", status=200)

    app.run(host="127.0.0.1", port=port, single_process=True, access_log=False, motd=False)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
