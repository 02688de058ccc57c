"""Webhooks accepted durably, against a bare Sanic handler that only appends: ``python -m bench.webhooks``.

The gateway as it runs (its own process, real shops, real signatures), the embedded Redis with fsync on every write, and
the load in a process of its own (``bench.load``). Gateway and bare handler are loaded turn about, A B A B, so that
whatever else the machine does meets both: the ratio within a pair is what to believe, and on a machine that is shared
the ratio of CPU time before that of rates. Every message is a new one, from one of 5,000 shoppers.
Prints a table and writes ``var/bench/webhooks.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bench.lanes import server, wait_for
from bot.channels.accounts import TelegramAccount, TwilioAccount
from bot.channels.twilio_webhooks import sign
from bot.core.addresses import ChannelName, ShopId
from bot.ledger.shopfiles import load_accounts
from bot.settings import ROOT
from bot.simulator.accounts import demo_environment
from bot.supervisor.system import free_port

SHOP = ShopId("awa-mode")
PUBLIC_URL = "https://relais.example"
NUMBERS = ("per_second", "p50_ms", "p99_ms", "cpu_us")
MIXES = ("whatsapp", "telegram", "bare")
SHOPPERS = 5_000


@contextmanager
def running(*argv: str, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", *argv],
        cwd=ROOT, env={**os.environ, **(env or {})}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE if argv[0] == "bench.load" else subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


class Messages:
    """Signed webhooks, no two alike."""

    def __init__(self) -> None:
        accounts = load_accounts(ROOT / "shops", demo_environment(ROOT / "shops"))[SHOP]
        twilio, telegram = accounts[ChannelName.WHATSAPP], accounts[ChannelName.TELEGRAM]
        assert isinstance(twilio, TwilioAccount)
        assert isinstance(telegram, TelegramAccount)
        self._twilio, self._telegram = twilio, telegram
        self._number = int(time.time() * 1000) % 10**9

    def whatsapp(self) -> tuple[str, str]:
        """Head and body."""
        self._number += 1
        shopper = f"+22507{self._number % SHOPPERS:08d}"
        form = {
            "SmsMessageSid": f"SM{self._number:032x}", "NumMedia": "0", "ProfileName": "Awa Koné",
            "MessageType": "text", "SmsSid": f"SM{self._number:032x}", "WaId": shopper[1:], "SmsStatus": "received",
            "Body": "Bonjour, je voudrais deux pagnes rouges s'il vous plaît", "To": self._twilio.address,
            "NumSegments": "1", "ReferralNumMedia": "0", "MessageSid": f"SM{self._number:032x}",
            "AccountSid": self._twilio.account_sid, "From": f"whatsapp:{shopper}", "ApiVersion": "2010-04-01",
        }
        path = f"/webhooks/whatsapp/{SHOP}"
        signature = sign(self._twilio.auth_tokens[0], PUBLIC_URL + path, form.items())
        head = f"POST {path} HTTP/1.1\r\nHost: relais.example\r\nUser-Agent: TwilioProxy/1.1\r\nAccept: */*\r\n"
        head += f"X-Twilio-Signature: {signature}\r\nContent-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n"
        return head, urlencode(form)

    def telegram(self) -> tuple[str, str]:
        """Head and body."""
        self._number += 1
        chat = 1_000_000 + self._number % SHOPPERS
        person = {"id": chat, "is_bot": False, "first_name": "Awa", "language_code": "fr"}
        message = {
            "message_id": self._number, "date": int(time.time()), "from": person,
            "chat": {"id": chat, "type": "private", "first_name": "Awa"}, "text": "Bonjour, je voudrais deux pagnes",
        }
        head = f"POST /webhooks/telegram/{SHOP} HTTP/1.1\r\nHost: relais.example\r\nContent-Type: application/json\r\n"
        head += f"X-Telegram-Bot-Api-Secret-Token: {self._telegram.secret}\r\n"
        return head, json.dumps({"update_id": self._number, "message": message})

    def bare(self) -> tuple[str, str]:
        """The body of the WhatsApp message, for the bare handler."""
        _, body = self.whatsapp()
        return "POST /append HTTP/1.1\r\nHost: relais.example\r\nContent-Type: text/plain\r\n", body


def job(messages: Messages, mix: str, port: int, count: int, **how: float) -> dict[str, Any]:
    """Enough messages for one job."""
    heads: dict[str, int] = {}
    bodies = []
    for _ in range(count):
        head, body = getattr(messages, mix)()
        bodies.append((heads.setdefault(head, len(heads)), body))
    return {"port": port, "heads": list(heads), "bodies": bodies, **how}


def cpu_seconds(pid: int) -> float:
    """What a process has used so far: unlike a latency, hardly touched by what else the machine does."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(
    given: argparse.Namespace, load: subprocess.Popen[str], servers: dict[str, tuple[int, int]]
) -> list[dict[str, Any]]:
    """Every way of loading, each in pairs. ``servers``: port and pid for each mix."""
    messages = Messages()

    def ask(mix: str, **how: float) -> dict[str, Any]:
        assert load.stdin is not None
        assert load.stdout is not None
        count = int(given.seconds * how.get("rate", given.most))
        port, pid = servers[mix]
        work = json.dumps(job(messages, mix, port, count, seconds=given.seconds, **how))
        before = cpu_seconds(pid)
        load.stdin.write(work + "\n")
        load.stdin.flush()
        found: dict[str, Any] = json.loads(load.stdout.readline())
        found["cpu_us"] = (cpu_seconds(pid) - before) / sum(found["answers"].values()) * 1e6
        if set(found["answers"]) != {"200"}:
            raise RuntimeError(f"{mix}: {found['answers']}")
        return found

    ways: list[dict[str, float]] = [{"in_flight": n} for n in given.in_flight] + [{"rate": r} for r in given.rate]
    for mix in MIXES:
        ask(mix, in_flight=8)  # every connection, script and table once
    rows = []
    for way in ways:
        rounds = [{mix: ask(mix, **way) for mix in MIXES} for _ in range(given.pairs)]
        for mix in MIXES:
            row = {name: statistics.median(r[mix][name] for r in rounds) for name in NUMBERS}
            ratios = [r[mix]["per_second"] / r["bare"]["per_second"] for r in rounds]
            cpu_ratios = [r["bare"]["cpu_us"] / r[mix]["cpu_us"] for r in rounds]
            rows.append(
                {
                    "what": mix, **way, **row,
                    "of_bare": statistics.median(ratios), "ratios": ratios,
                    "of_bare_by_cpu": statistics.median(cpu_ratios), "cpu_ratios": cpu_ratios,
                }
            )
    return rows


def answers(port: int) -> None:
    """Wait until something serves there."""
    wait_for(f"redis://127.0.0.1:{port}/0")


def main() -> None:
    """Start everything, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--in-flight", type=int, nargs="*", default=[1, 8, 32, 128])
    parser.add_argument("--rate", type=int, nargs="*", default=[250, 500, 1000])
    parser.add_argument("--most", type=int, default=4000, help="messages prepared a second in a closed loop")
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "bench" / "webhooks.json")
    given = parser.parse_args()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        # On the same disk as the real data: its fsync is part of what is measured.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=given.out.parent)))
        redis_url = stack.enter_context(server(folder / "redis"))
        wait_for(redis_url)
        gateway, bare = free_port(), free_port()
        environment = {
            **demo_environment(ROOT / "shops"), "PORT": str(gateway), "PUBLIC_URL": PUBLIC_URL,
            "REDIS_URL": redis_url, "RASA_URL": "http://127.0.0.1:9", "RELAIS_DATA": str(folder),
            "RELAIS_SECRET": "for-benches-only-for-benches-only-for-benches",
        }
        ours = stack.enter_context(running("bot.web.app", env=environment))
        theirs = stack.enter_context(running("bench.bare", str(bare), redis_url))
        answers(gateway)
        answers(bare)
        load = stack.enter_context(running("bench.load"))
        rows = measure(given, load, {"whatsapp": (gateway, ours.pid), "telegram": (gateway, ours.pid), "bare": (bare, theirs.pid)})
    print(f"{'what':<10}{'loaded':>14}{'per second':>12}{'p50 ms':>9}{'p99 ms':>9}{'cpu us':>9}{'of bare':>9}{'by cpu':>9}")
    for row in rows:
        loaded = f"{row['in_flight']} in flight" if "in_flight" in row else f"{row['rate']}/s asked"
        print(
            f"{row['what']:<10}{loaded:>14}{row['per_second']:>12.0f}{row['p50_ms']:>9.2f}{row['p99_ms']:>9.2f}"
            f"{row['cpu_us']:>9.0f}{row['of_bare']:>9.2f}{row['of_bare_by_cpu']:>9.2f}"
        )
    about = {"python": platform.python_version(), "cpus": os.cpu_count(), "load": os.getloadavg()[0]}
    given.out.write_text(json.dumps({"about": about, "rows": rows}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
