"""A running Relais with its simulator, and shoppers who talk to it as people do: by phone."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tests.system.gates import Gate, Loop
from tests.system.up import NAMES

ROOT = Path(__file__).resolve().parents[2]
SHOP = "awa-mode"
TWO_WAY_SHOP = "zoe-accessoires"
READY_SECONDS = 240.0
LEADS = {"rasa": "rasa", "providers": "simulator", "rasa_redis": "redis_url", "webhooks": "gateway"}
"""Where each gate leads, by its name in ``addresses.json``."""
T = TypeVar("T")


def eventually(look: Callable[[], T | None], seconds: float, what: str) -> T:
    """Look again and again until it is there. Waiting for other processes needs real time, but no more than that."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            found = look()
        except httpx.TransportError:
            found = None  # a process under test may be dead just now
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds:g} s: {what}")


@dataclass
class Running:
    """Everything ``make run`` starts, on free ports and in a folder of its own."""

    data: Path
    process: subprocess.Popen[bytes]
    addresses: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=20.0))
    loop: Loop = field(kw_only=True)
    gates: dict[str, Gate] = field(default_factory=dict)

    @property
    def gateway(self) -> str:
        return self.addresses["gateway"]

    @property
    def simulator(self) -> str:
        return self.addresses["simulator"]

    def sim(self, path: str, **body: Any) -> Any:
        answer = self.http.post(f"{self.simulator}/sim/{path}", json=body)
        assert answer.status_code < 300, (
            f"/sim/{path}: {answer.status_code} {answer.text}"
        )
        return answer.json()

    def api(self, path: str, shop: str = SHOP, method: str = "GET", **body: Any) -> Any:
        answer = self.http.request(
            method,
            f"{self.gateway}/api/v1/{path}",
            headers={"Authorization": f"Bearer {self.keys[shop]}"},
            json=body or None,
        )
        assert answer.status_code < 300, (
            f"{method} {path}: {answer.status_code} {answer.text}"
        )
        return answer.json()

    def fault(self, channel: str, name: str, on: bool = True, **options: Any) -> None:
        self.sim("faults", channel=channel, fault=name, on=on, options=options)

    def pid(self, name: str) -> int:
        """What runs under that name now, 0 while nothing does."""
        return int(json.loads((self.data / "pids.json").read_text()).get(name, 0))

    def kill(self, name: str) -> int:
        """``kill -9`` one process; the supervisor starts it again. Its old pid."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    @contextmanager
    def stopped(self, name: str) -> Iterator[int]:
        """``kill -STOP`` one process for as long as the block lasts; its pid.

        Not inside a write of SQLite's: that would hold up every other writer, which is SQLite's way and not looked at here.
        """
        pid = self.pid(name)
        os.kill(pid, signal.SIGSTOP)
        try:
            while self._locked():
                os.kill(pid, signal.SIGCONT)
                time.sleep(0.05)
                os.kill(pid, signal.SIGSTOP)
            yield pid
        finally:
            os.kill(pid, signal.SIGCONT)

    def _locked(self) -> bool:
        with closing(sqlite3.connect(self.data / "relais.db", timeout=0.5, isolation_level=None)) as ledger:
            try:
                ledger.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
            return False

    @contextmanager
    def second_worker(self) -> Iterator[None]:
        """Another worker beside the supervised one, with the same environment."""
        environment = dict(
            entry.split("=", 1)
            for entry in Path(f"/proc/{self.pid('worker')}/environ").read_text().split("\0")
            if "=" in entry
        )
        with (self.data / "log" / "worker-2.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "bot.worker"], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=30)

    def ready(self) -> bool:
        try:
            return self.http.get(f"{self.gateway}/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    def wait_ready(self) -> None:
        eventually(self.ready, READY_SECONDS, "ready")

    def stop(self) -> None:
        self.http.close()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError("the supervisor did not stop within 40 s") from None
        finally:
            self.loop.close()


def _well_stocked(folder: Path) -> Path:
    """The demo shops with enough of everything for all stories of a session."""
    shutil.copytree(ROOT / "shops", folder)
    for file in folder.glob("*/products.csv"):
        with file.open(newline="") as source:
            rows = list(csv.DictReader(source))
        with file.open("w", newline="") as target:
            writer = csv.DictWriter(target, list(rows[0]))
            writer.writeheader()
            writer.writerows({**row, "stock": "1000"} for row in rows)
    return folder


def start(data: Path, scripted: bool = False, workers: int | None = 1) -> Running:
    """Start the whole and wait until the model answers. ``scripted``: a stand-in takes Rasa's place.

    ``workers``: one, so that who stops "the" worker stops the one that has the lane; None: as many as without a word.
    """
    data.mkdir(parents=True, exist_ok=True)
    keep = {"PATH", "HOME", "LANG", "PYENV_ROOT", "TMPDIR"}
    environment = {name: value for name, value in os.environ.items() if name in keep}
    environment["RELAIS_DATA"] = str(data)
    if workers is not None:
        environment["RELAIS_WORKERS"] = str(workers)
    environment["RELAIS_SHOPS"] = str(_well_stocked(data / "shops"))
    loop = Loop()
    gates = {name: Gate(loop) for name in (*NAMES, "webhooks")}
    ports = [word for name in NAMES for word in (f"--{name}", str(gates[name].port))]
    environment["PUBLIC_URL"] = gates["webhooks"].url
    log = (data / "supervisor.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.system.up", *ports, *(["--scripted"] if scripted else [])],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    log.close()
    running = Running(data, process, loop=loop, gates=gates)
    try:
        written = data / "addresses.json"
        eventually(lambda: written.exists() and written.read_text(), 60, "addresses.json")
        running.addresses = json.loads(written.read_text())
        for name, kind in LEADS.items():
            gates[name].lead_to(running.addresses[kind])
        running.wait_ready()
        keys = data / "demo-keys.json"
        eventually(keys.exists, 30, "demo-keys.json")
        running.keys = json.loads(keys.read_text())
    except BaseException:
        print((data / "supervisor.log").read_text()[-4000:])
        process.terminate()
        process.wait(timeout=40)
        raise
    return running


@dataclass
class Person:
    """A shopper with a phone. ``read`` gives what a channel's screen shows from the shop and was not read yet."""

    running: Running
    shop: str = SHOP
    id: str = ""
    number: str = ""
    seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        made = self.running.sim("people")
        self.id, self.number = str(made["id"]), str(made["number"])

    def screen(self, channel: str) -> list[dict[str, Any]]:
        answer = self.running.http.get(
            f"{self.running.simulator}/sim/messages",
            params={"person": self.id, "channel": channel, "shop": self.shop},
        )
        return list(answer.json()["messages"])

    def write(self, text: str, channel: str = "whatsapp", **more: Any) -> None:
        self.running.sim(channel, person=self.id, shop=self.shop, text=text, **more)

    def new(self, channel: str) -> list[dict[str, Any]]:
        fresh = [
            m
            for m in self.screen(channel)
            if m["direction"] == "out" and m["id"] not in self.seen
        ]
        self.seen |= {m["id"] for m in fresh}
        return fresh

    def read(
        self, channel: str = "whatsapp", seconds: float = 20.0, until: str = ""
    ) -> str:
        """Wait for the shop's next words there (containing ``until``), all of them as one text."""
        words: list[str] = []

        def more() -> str | None:
            words.extend(m["text"] for m in self.new(channel))
            text = "\n".join(words)
            return text if words and until.lower() in text.lower() else None

        try:
            return eventually(more, seconds, f"{until!r} on {channel}")
        except AssertionError as late:
            raise AssertionError(f"{late}; seen: {words}") from None

    def ask(
        self,
        text: str,
        channel: str = "whatsapp",
        until: str = "",
        seconds: float = 20.0,
    ) -> str:
        self.new(channel)
        self.write(text, channel)
        return self.read(channel, seconds, until)

    def conversation(self) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            found = self.running.api(
                f"conversations?address=whatsapp:%2B{self.number[1:]}", self.shop
            )["items"]
            return found[0] if found else None

        return eventually(look, 10, "the conversation by address")

    def kept(self) -> None:
        """Wait until the ledger has all that this person's phone shows: only that survives a lost Redis."""

        def caught_up() -> bool:
            told = self.running.api(f"conversations/{self.conversation()['id']}/messages?limit=100", self.shop)["items"]
            shown = [m for channel in ("whatsapp", "telegram", "sms") for m in self.screen(channel)]
            return len(told) >= len(shown)

        eventually(caught_up, 60, "the conversation in the ledger")

    def orders(self) -> list[dict[str, Any]]:
        mine = self.conversation()["id"]
        return [
            o
            for o in self.running.api("orders?limit=100", self.shop)["items"]
            if o["conversation_id"] == mine
        ]

    def the_order(self) -> dict[str, Any]:
        """Exactly one order, in the end."""
        orders = eventually(self.orders, 20, "an order")
        assert len(orders) == 1
        return orders[0]

ANSWERS = {
    "commune": "Cocody",
    "landmark": "Rue des Jardins, portail vert",
    "name": "Awa Koné",
    "phone": "07 00 00 00 77",
    "payment": "wave",
    "confirmation": "oui",
    "late_confirmation": "oui",
}


def advance(person: Person, channel: str, until: str, seconds: float = 60.0) -> None:
    """Answer what the bot asks, on one channel, until it asks for ``until`` ("" : until there is an order)."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        asked = person.conversation()["awaiting"]
        if until and asked == until:
            return
        if not until and person.orders():
            return
        if asked in ANSWERS:
            count = len(person.screen(channel))
            person.write(ANSWERS[asked], channel)
            eventually(partial(_answered, person, channel, count + 2), 20, f"an answer to {asked}")
            eventually(partial(_settled, person, asked), 20, f"{asked} is settled")
        else:
            time.sleep(0.1)
    raise AssertionError(f"not asked for {until!r} within {seconds:g} s: {person.conversation()}")


def _answered(person: Person, channel: str, count: int) -> bool:
    return len(person.screen(channel)) >= count


def _settled(person: Person, asked: str) -> bool:
    return person.conversation()["awaiting"] != asked or bool(person.orders())


def expect_two_uniwax_and_a_scarf(order: dict[str, Any], shop_channel: str) -> None:
    """The order every story here ends in, to the franc."""
    lines = [(line["product_id"], line["options"], line["quantity"], line["line_total_xof"]) for line in order["lines"]]
    assert lines == [("pagne-uniwax", {"couleur": "rouge"}, 2, 32000), ("foulard-wax", {}, 1, 2500)]
    assert order["delivery"]["commune"] == "Cocody"
    assert order["delivery"]["fee_xof"] == 1500
    assert order["payment"]["method"] == "wave"
    assert (order["items_total_xof"], order["total_xof"]) == (34500, 36000)
    assert (order["status"], order["channel"]) == ("confirmed", shop_channel)
