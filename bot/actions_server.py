"""rasa-sdk's action server on loopback, with the shop's ledger behind it: ``python -m bot.actions_server --port N``.

An action that raises answers 500, and rasa-sdk's own handler says so; one that cannot reach the ledger, or waits for
it longer than ``actions.services.PATIENCE`` seconds, answers 503. Nothing here turns a failure into a success.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import pkgutil
import warnings
from typing import Any

from sanic import HTTPResponse, Request, Sanic, json

import actions
from actions import services
from actions.services import Ledger, Services
from bot.ledger.actions import ledger_from_environment
from bot.ports import Unavailable


def create_app(ledger: Ledger) -> Sanic[Any, Any]:
    """The action server as a Sanic app, its actions served from this ledger."""
    from rasa_sdk import utils
    from rasa_sdk.endpoint import create_app as sdk_app
    from rasa_sdk.executor import ActionExecutor

    # Rasa 3.6 is served by rasa-sdk 3.21 on purpose (tried); its warning would come with every action.
    utils.check_version_compatibility = lambda version: None
    services.use(Services(ledger))
    for module in pkgutil.iter_modules(actions.__path__):
        importlib.import_module(f"actions.{module.name}")
    executor = ActionExecutor()
    executor._register_all_actions()
    app: Sanic[Any, Any] = sdk_app(executor, cors_origins=[])

    # Who asks must tell a ledger that is away from an action that fails over this very turn (500).
    async def away(_: Request, error: Exception) -> HTTPResponse:
        return json({"error": "the ledger is away", "detail": type(error).__name__}, status=503)

    app.error_handler.add(Unavailable, away)
    app.error_handler.add(OSError, away)
    return app


def serve(ledger: Ledger, host: str, port: int) -> None:
    """Serve in this process until it is told to end. Nobody is asked who they are: never on a public address."""
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    logging.getLogger("rasa_sdk").setLevel(logging.WARNING)
    app = create_app(ledger)
    app.run(host=host, port=port, single_process=True, access_log=False, motd=False)


def main() -> None:
    """Read the port and the environment, and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1", help="another one only on a network of its own")
    arguments = parser.parse_args()
    serve(ledger_from_environment(), arguments.host, arguments.port)


if __name__ == "__main__":
    main()
