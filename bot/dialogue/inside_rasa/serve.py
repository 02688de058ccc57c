"""Serve one model's turns on loopback: ``python -m bot.dialogue.inside_rasa.serve --model ... --port ...``.

The port answers at once; until the model is loaded and has understood a first sentence, everything is 503.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import Any

os.environ["RASA_TELEMETRY_ENABLED"] = "false"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import structlog
from sanic import Sanic
from sanic.request import Request as HttpRequest
from sanic.response import HTTPResponse, json, raw

from bot.dialogue.inside_rasa.contract import Malformed, TurnFailed, read_conversation, read_request

JSON = "application/json"
MAX_BODY = 1_000_000
IDLE = 75
"""Seconds an idle connection is kept: longer than the gateway's client keeps it, so that it never meets a closed one."""
LOOPBACK = "127.0.0.1"

log = structlog.get_logger(__name__)


class Dialogue:
    """What the routes share. ``turns`` is None until the model answers."""

    def __init__(self, model: Path, redis_url: str, actions_url: str, prefix: str) -> None:
        self._model = model
        self._redis_url = redis_url
        self._actions_url = actions_url
        self._prefix = prefix
        self._closing: list[Any] = []
        self.turns: Any = None
        self.store: Any = None

    async def load(self) -> None:
        """Load the model beside the running server; a model that cannot be served ends the process."""
        try:
            await self._load()
        except Exception:
            log.exception("model.unfit", model=self._model.name)
            # Sanic has no way to end with a status; whoever supervises must see that this did not work.
            os._exit(1)

    async def _load(self) -> None:
        loop = asyncio.get_running_loop()
        processor, actions = await loop.run_in_executor(None, _load_model, self._model, self._actions_url)
        from rasa.core.channels.channel import UserMessage

        from bot.dialogue.inside_rasa.store import TrackerStore
        from bot.dialogue.inside_rasa.turns import Turns

        # The first sentence compiles the model's graph: seconds that no shopper should wait.
        await processor.parse_message(UserMessage("bonjour"))
        self.store = TrackerStore(self._redis_url, self._prefix)
        self._closing = [self.store, actions]
        self.turns = Turns(processor, self.store)
        log.info("model.ready", model=self._model.name)

    async def close(self) -> None:
        """Let Redis and the action server go."""
        for part in self._closing:
            await part.close()


def _load_model(model: Path, actions_url: str) -> tuple[Any, Any]:
    # Imported here, beside the running server: TensorFlow takes seconds.
    from bot.dialogue.inside_rasa.action_server import ActionServer
    from bot.dialogue.inside_rasa.processor import TurnProcessor

    actions = ActionServer(actions_url)
    return TurnProcessor(model, actions), actions


def application(dialogue: Dialogue) -> Sanic:
    """The three routes."""
    app = Sanic("relais_dialogue", configure_logging=False)
    app.config.update(REQUEST_MAX_SIZE=MAX_BODY, KEEP_ALIVE_TIMEOUT=IDLE, ACCESS_LOG=False)

    @app.post("/relais/turn")
    async def turn(request: HttpRequest) -> HTTPResponse:
        asked = read_request(request.json)
        answer = await _loaded(dialogue.turns).answer(asked)
        return raw(answer.encode(), content_type=JSON)

    @app.get("/relais/ready")
    async def ready(_: HttpRequest) -> HTTPResponse:
        _loaded(dialogue.turns)
        return json({"ready": True})

    @app.post("/relais/forget")
    async def forget(request: HttpRequest) -> HTTPResponse:
        await _loaded(dialogue.store).forget(read_conversation(request.json))
        return json({"forgotten": True})

    @app.exception(TurnFailed)
    async def failed(request: HttpRequest, error: TurnFailed) -> HTTPResponse:
        if error.error != "loading":
            log.warning("turn.failed", error=error.error, detail=error.detail)
        return json({"error": error.error, "detail": error.detail}, status=503)

    @app.exception(Malformed)
    async def malformed(request: HttpRequest, error: Malformed) -> HTTPResponse:
        log.warning("turn.malformed", detail=str(error))
        return json({"error": "malformed", "detail": str(error)}, status=400)

    @app.after_server_start
    async def begin(app: Sanic, _: Any) -> None:
        app.add_task(dialogue.load())

    @app.before_server_stop
    async def leave(_: Sanic, __: Any) -> None:
        if dialogue.turns is None:
            # No turn can be running, and Python would wait for the thread that loads the model.
            os._exit(0)

    @app.after_server_stop
    async def end(_: Sanic, __: Any) -> None:
        await dialogue.close()

    return app


def _loaded(part: Any) -> Any:
    if part is None:
        raise TurnFailed("loading", "the model is being loaded")
    return part


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and serve until told to stop."""
    parser = argparse.ArgumentParser(prog="bot.dialogue.inside_rasa.serve", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="a trained model (.tar.gz)")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--redis", required=True, help="redis://host:port/db or unix://path")
    parser.add_argument("--actions", required=True, help="the action server's webhook on loopback")
    parser.add_argument("--host", default=LOOPBACK, help="another one only on a network of its own: nobody is asked who they are")
    parser.add_argument("--prefix", default="relais", help="prefix of all Redis keys")
    given = parser.parse_args(arguments)
    if not given.model.is_file():
        parser.error(f"no model at {given.model}")
    _configure_logs()
    dialogue = Dialogue(given.model, given.redis, given.actions, given.prefix)
    application(dialogue).run(host=given.host, port=given.port, access_log=False, motd=False)


def _configure_logs() -> None:
    """JSON lines on standard output. Rasa logs what people write, so only its errors come through."""
    logging.captureWarnings(True)
    logging.basicConfig(level=logging.ERROR, stream=sys.stdout, format="%(levelname)s %(name)s %(message)s")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )


if __name__ == "__main__":
    main()
