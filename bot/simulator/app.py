"""The simulator as a program: `python -m bot.simulator.app --port 9000 --public-url http://127.0.0.1:8000`."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

from sanic import Sanic
from sanic.config import Config

from bot.simulator.accounts import Shop, load_shops
from bot.simulator.content import Templates
from bot.simulator.control import FIRST_PEOPLE, Control, make_person
from bot.simulator.faults import Faults
from bot.simulator.ids import Ids
from bot.simulator.inbound import Inbound
from bot.simulator.journeys import Carrier, Tasks
from bot.simulator.phones import World
from bot.simulator.relais import Relais
from bot.simulator.replay import Replay
from bot.simulator.sim_gate import SimGate
from bot.simulator.status_pages import StatusPages
from bot.simulator.telegram import TelegramApi
from bot.simulator.telegram_phone import TelegramPhone
from bot.simulator.telegram_updates import Updates
from bot.simulator.timing import Pace, SimClock
from bot.simulator.twilio import TwilioApi
from bot.simulator.wave import WaveApi
from bot.simulator.webhooks import WebhookSender

#: Longer than any fault keeps a caller waiting for an answer that does not come.
NEVER = 24 * 3600


class Simulator:
    """All parts, put together; `app` serves them."""

    def __init__(
        self, shops: Iterable[Shop], public_url: str, own_url: str, pace: Pace | None = None,
        keys_file: Path | None = None, seed: int | None = None,
    ) -> None:
        pace = pace or Pace()
        public_url, own_url = public_url.rstrip("/"), own_url.rstrip("/")
        ids = Ids(seed)
        self.clock = SimClock()
        self.world = World(shops, self.clock, ids)
        self.faults = Faults()
        self.tasks = Tasks()
        self.sender = WebhookSender(pace.retry)
        self.templates = Templates(ids)
        self.carrier = Carrier(self.world, self.faults, self.sender, pace, self.tasks)
        self.inbound = Inbound(
            self.world, self.faults, self.carrier, self.sender, self.tasks, public_url, own_url
        )
        self.updates = Updates(self.world, self.faults, self.sender, public_url, pace.telegram_retry)
        self.telegram = TelegramPhone(self.world, self.faults, self.updates, self.tasks)
        self.wave = WaveApi(self.world, self.faults, self.sender, self.tasks, public_url, own_url)
        self.replay = Replay(self.world, self.faults, self.inbound, self.telegram, self.tasks)
        for given in FIRST_PEOPLE:
            self.world.add_person(make_person(ids, given))
        self.app = self._serve(Relais(self.world, self.faults, self.sender, public_url, keys_file))

    def _serve(self, relais: Relais) -> Sanic[Config, SimpleNamespace]:
        # Names must differ within a process; tests run several simulators in one.
        app: Sanic[Config, SimpleNamespace] = Sanic(f"simulator-{uuid4().hex[:8]}", configure_logging=False)
        app.config.RESPONSE_TIMEOUT = NEVER
        app.config.KEEP_ALIVE_TIMEOUT = 75
        app.config.GRACEFUL_SHUTDOWN_TIMEOUT = 1.0
        app.config.MOTD = False
        # Sanic rewrites its own source for speed, once a process; a second simulator would fail on it.
        app.config.TOUCHUP = False
        app.blueprint(TwilioApi(self.world, self.faults, self.carrier, self.templates).blueprint())
        app.blueprint(
            TelegramApi(self.world, self.faults, self.updates, self.telegram, self.tasks).blueprint()
        )
        app.blueprint(
            Control(
                self.world, self.faults, self.carrier, self.inbound, self.telegram, self.replay
            ).blueprint()
        )
        app.blueprint(SimGate(self.world, self.faults, self.carrier, relais.public_url).blueprint())
        app.blueprint(StatusPages(self.faults).blueprint())
        app.blueprint(self.wave.blueprint())
        app.blueprint(relais.blueprint())

        async def start(_: object) -> None:
            for shop_id in self.updates.webhooks:
                self.tasks.start(self.updates.run(shop_id))

        async def stop(_: object) -> None:
            await self.tasks.stop()
            await self.sender.close()

        app.register_listener(start, "before_server_start")
        app.register_listener(stop, "before_server_stop")
        return app


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bot.simulator.app", description=__doc__)
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--public-url", default="http://127.0.0.1:8000", help="the gateway's address")
    parser.add_argument("--shops", type=Path, default=Path("shops"), help="the folder of the shops")
    parser.add_argument("--data", type=Path, default=Path("var"), help="where demo-keys.json may appear")
    parser.add_argument("--api-keys", type=Path, default=None, help="shop id -> API key, as JSON")
    parser.add_argument("--seed", type=int, default=None, help="make ids repeatable")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None, environment: Mapping[str, str] | None = None) -> None:
    """Serve on loopback until told to stop."""
    options = parse(argv)
    logging.basicConfig(level=logging.WARNING)
    simulator = Simulator(
        load_shops(options.shops, os.environ if environment is None else environment),
        public_url=options.public_url, own_url=f"http://127.0.0.1:{options.port}",
        keys_file=options.api_keys or options.data / "demo-keys.json", seed=options.seed,
    )
    simulator.app.run(host="127.0.0.1", port=options.port, single_process=True, access_log=False)


if __name__ == "__main__":
    main()
