"""A rehearsal: a second Relais of its own, with a copy of the shop, invented addresses and nothing of the real one.

What keeps it in: the processes get a fresh environment (a short list of names, never a secret, never ``REDIS_URL`` or
``DATABASE_URL``), a data folder of their own with its own Redis, ledger and secret, and provider addresses that lead to
the simulator. The shop's folder is copied with every number, account and token replaced, so even a token written into
shop.yml does not come along.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import yaml

from bot.core import incidents
from bot.core.addresses import ShopId
from bot.ledger.shopfiles import PHOTOS, load_accounts
from bot.ledger.shops import account_key
from bot.settings import ROOT
from bot.simulator.accounts import demo_environment
from bot.storage.health import RedisHealthBoard
from bot.supervisor.system import free_port
from bot.web.rehearsals import KEPT_NAMES, Plan, alone

READY_SECONDS = 300.0
STOP_SECONDS = 40.0
LOOK_SECONDS = 1.0


def environment(environ: Mapping[str, str], data: Path, shops: Path, port: int) -> dict[str, str]:
    """Everything the rehearsal's processes are told, and nothing else."""
    kept = {name: environ[name] for name in KEPT_NAMES if name in environ}
    return {**kept, "RELAIS_DATA": str(data), "RELAIS_SHOPS": str(shops), "PORT": str(port)}


def copy_shop(source: Path, target: Path) -> None:
    """The shop as it is, but for whatever leads to somebody real."""
    target.mkdir(parents=True)
    for name in ("products.csv", "zones.csv"):
        shutil.copyfile(source / name, target / name)
    if (source / PHOTOS).is_dir():
        shutil.copytree(source / PHOTOS, target / PHOTOS)
    shop = yaml.safe_load((source / "shop.yml").read_text(encoding="utf-8"))
    (target / "shop.yml").write_text(
        yaml.safe_dump(disguised(shop), allow_unicode=True, sort_keys=False), encoding="utf-8"
    )


def disguised(shop: Mapping[str, Any]) -> dict[str, Any]:
    """shop.yml with invented numbers, names of accounts and tokens. The simulator invents the values."""
    copy: dict[str, Any] = json.loads(json.dumps(shop))
    copy["phone"] = "+2250700000199"
    for method in copy.get("payments", {}).values():
        if isinstance(method, dict):
            method["to"] = "+2250700000199"
            method |= {
                name: f"${{DRILL_PAYMENT_{name.upper()}}}" for name in ("api_key", "webhook_secret") if name in method
            }
    channels = copy.get("channels") or {}
    for name, invented in (("whatsapp", "+2250700000190"), ("sms", "+2250700000191")):
        channel = channels.get(name)
        if channel is None:
            continue
        named = not str(channel.get("address", "+")).startswith("+")
        channels[name] = {
            **{key: channel[key] for key in ("two_way", "price_xof") if key in channel},
            "provider": "twilio",
            "address": "REPETITION" if named else invented,
            "account_sid": "${DRILL_TWILIO_ACCOUNT_SID}",
            "auth_token": "${DRILL_TWILIO_AUTH_TOKEN}",
        }
        if canary := channel.get("canary"):
            count = len(canary) if isinstance(canary, list) else 1
            channels[name]["canary"] = [f"+22507000001{70 + number}" for number in range(count)]
    if channels.get("telegram") is not None:
        channels["telegram"] = {
            "bot_username": "exemple_repetition_bot",
            "token": "${DRILL_TELEGRAM_TOKEN}",
            "secret": "${DRILL_TELEGRAM_SECRET}",
        }
    for number, alert in enumerate(copy.get("alerts") or ()):
        alert["name"], alert["address"] = f"Personne {number + 1}", f"tel:+22507000001{80 + number % 10}"
    return copy


async def run(plan: Plan, shops: Path, drills: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    """Play the day and report. Raises AlreadyDrilling. The report is in ``drills/<id>``, with all else gone."""
    with alone(drills):
        place = drills / plan.id
        place.mkdir(parents=True)
        report = {"plan": asdict(plan), "state": "running", "started_at": _now(), "ended_at": None}
        _write(place, report)
        try:
            copied = place / "shops" / plan.shop
            copy_shop(shops / plan.shop, copied)
            shop = yaml.safe_load((copied / "shop.yml").read_text(encoding="utf-8"))
            report |= {"name": shop["name"], "timezone": shop.get("timezone", "Africa/Abidjan")}
            found = await _play(plan, place, environ)
            report |= {"state": "over", **found}
        except BaseException as error:
            report |= {"state": "failed", "detail": type(error).__name__}
            raise
        finally:
            report["ended_at"] = _now()
            _write(place, report)
            for name in ("shops", "data"):
                shutil.rmtree(place / name, ignore_errors=True)
    return report


async def _play(plan: Plan, place: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    data, port = place / "data", free_port()
    data.mkdir()
    with (place / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot.cli", "up", "--simulator"),
            cwd=ROOT,
            env=environment(environ, data, place / "shops", port),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    ended = asyncio.create_task(process.wait())
    played = asyncio.create_task(_conduct(plan, data))
    try:
        await asyncio.wait([ended, played], return_when=asyncio.FIRST_COMPLETED)
        if not played.done():
            raise RuntimeError(f"the rehearsal's Relais ended early; see {place / 'log'}")
        return await played
    finally:
        played.cancel()
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await ended
        except TimeoutError:
            process.kill()


async def _conduct(plan: Plan, data: Path) -> dict[str, Any]:
    """Wait until it stands, play the day, and ask both judges: the phones, and Relais' own book."""
    async with asyncio.timeout(READY_SECONDS):
        while not (data / "addresses.json").exists() or not (data / "demo-keys.json").exists():
            await asyncio.sleep(0.2)
        known = json.loads((data / "addresses.json").read_text())
        async with httpx.AsyncClient(timeout=10.0, trust_env=False) as http:
            while not await _stands(http, known["gateway"]):
                await asyncio.sleep(0.5)
    key = json.loads((data / "demo-keys.json").read_text())[plan.shop]
    async with httpx.AsyncClient(timeout=10.0, trust_env=False) as http:
        order = {"day": plan.day, "shop": plan.shop, "speed": plan.speed, "people": plan.people}
        answer = await http.post(
            f"{known['simulator']}/sim/replay", json={**order, "telegram_percent": plan.telegram_percent}
        )
        answer.raise_for_status()
        await teach(plan, data, known["redis_url"], answer.json()["run"]["usual_an_hour"])
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            seen = (await http.get(f"{known['simulator']}/sim/replay")).json()["run"]
            if seen["state"] != "running":
                break
        # The last receipts and counts come some seconds after the last message.
        await asyncio.sleep(8.0)
        headers = {"Authorization": f"Bearer {key}"}
        book = await http.get(f"{known['gateway']}/api/v1/incidents?limit=100", headers=headers)
        book.raise_for_status()
    found = list(reversed(book.json()["items"]))
    return {"phones": seen, "incidents": found, "found_after_s": _found_after(seen["broke_at"], found)}


def _found_after(broke_at: float | None, found: Sequence[Mapping[str, Any]]) -> float | None:
    """Seconds from the first switch that was turned until Relais knew; None: it never did, or nothing was turned."""
    times = [datetime.fromisoformat(one["detected_at"]).timestamp() for one in found]
    return round(min(times) - broke_at, 1) if times and broke_at is not None else None


async def teach(plan: Plan, data: Path, redis_url: str, an_hour: Mapping[str, float]) -> None:
    """Let the rehearsal's Relais know what is usual there, as it would after a week: silence is measured against it.

    ``an_hour``: lines that the crowd writes in a real hour, by channel.
    """
    shops = data.parent / "shops"
    accounts = load_accounts(shops, demo_environment(shops))[ShopId(plan.shop)]
    board = RedisHealthBoard(redis_url)
    try:
        for name, account in accounts.items():
            if an_hour.get(name):
                await board.teach(account_key(name, account), an_hour[name], time.time())
    finally:
        await board.close()


async def _stands(http: httpx.AsyncClient, gateway: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return (await http.get(f"{gateway}/readyz")).status_code == 200
    return False


def text(report: Mapping[str, Any]) -> str:
    """The printed report, French: what the phones showed, then each outage as after a real one."""
    plan, phones = report["plan"], report.get("phones") or {}
    lines = [f"Répétition du {plan['day']}, {plan['people']} clients, vitesse {plan['speed']:g}"]
    if phones:
        waits = (phones.get("wait_median_s"), phones.get("wait_p95_s"), phones.get("wait_longest_s"))
        lines += [
            f"Messages écrits {phones['written']}, répondus {phones['answered']}, sans réponse {phones['unanswered']}",
            "Attente (s) : médiane {}, 95 % {}, plus longue {}".format(
                *("-" if w is None else w for w in waits)
            ),
        ]
    if "found_after_s" in report:
        found = report["found_after_s"]
        lines.append("Panne jamais vue" if found is None else f"Panne vue {found:.0f} s après la coupure")
    parts = ["\n".join(lines) + "\n"]
    parts += [
        incidents.report(report["name"], one, report["timezone"]) for one in report.get("incidents", ())
    ]
    return "\n".join(parts)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _write(place: Path, report: Mapping[str, Any]) -> None:
    draft = place / "report.json.new"
    draft.write_text(json.dumps(report, indent=2, ensure_ascii=False), encoding="utf-8")
    draft.replace(place / "report.json")
