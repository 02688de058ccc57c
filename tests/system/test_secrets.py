"""Nothing that any process writes down holds a secret, a link, a shopper's number or words.

It reads what the tests before it in this folder made the processes say too: kills, refusals, broken providers.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.logs.leaks import leaks
from tests.system.running import Person, Running, eventually
from tests.system.test_hostile import form_for, senders, signed
from tests.system.test_orders import begin, link

WORDS = "xylophone mauve du grand bazar"


def secrets(relais: Running) -> set[str]:
    """What the processes were given, and what they gave out."""
    given = Path(f"/proc/{relais.pid('worker')}/environ").read_text().split("\0")
    variables = dict(entry.split("=", 1) for entry in given if "=" in entry)
    named = {value for name, value in variables.items() if re.search(r"SECRET|TOKEN|PASSWORD|API_KEY", name)}
    assert len(named) >= 8, "each shop's senders have theirs"
    halves = {value.partition(":")[2] for value in named if ":" in value}  # a Telegram token without the bot's id
    return {*named, *halves, *relais.keys.values()}


def demo_passwords(relais: Running) -> set[str]:
    """Only the terminal shows them: a person who tries Relais on their own machine needs them there."""
    users = re.findall(r'"password": "([^"]+)"', (relais.data / "demo-users.json").read_text())
    assert users
    return set(users)


def without_shops(relais: Running, text: str) -> str:
    """A shop's own numbers stand on its posters; they name accounts in figures and logs."""
    for shop in relais.keys:
        for sender in senders(relais, shop).values():
            text = text.replace(sender.address.removeprefix("whatsapp:"), "")
    return text


def test_no_log_and_no_figure_tells_a_secret_or_a_number(relais: Running, person: Person) -> None:
    known = secrets(relais)
    begin(person)
    link(person)
    links = {found[1] for m in person.screen("whatsapp") if (found := re.search(r"start=([\w-]+)", m["text"]))}
    for channel, fault in (("whatsapp", "reject_now"), ("whatsapp", "timeout"), ("telegram", "timeout")):
        relais.fault(channel, fault)
        person.write(WORDS)
        person.write(WORDS, "telegram")
        eventually(lambda: len(person.screen("telegram")) > 1, 20, "the messages")
    sender = senders(relais, person.shop)["whatsapp"]
    assert signed(relais, f"/webhooks/whatsapp/{person.shop}", "0" * 32, form_for(sender, Body=WORDS)).status_code == 403
    key = relais.keys[person.shop]
    for url in (f"/api/v1/orders?key={key}", f"/console/login?number={person.number}", f"/api/v1/customers/{person.number}"):
        assert relais.http.get(f"{relais.gateway}{url}", headers={"Authorization": f"Bearer {key}x"}).status_code < 500
    relais.kill("worker")
    person.write(WORDS)
    relais.wait_ready()

    eventually(lambda: relais.pid("worker"), 20, "a new worker")
    known |= {*links, WORDS}
    assert links
    written = [path for path in relais.data.rglob("*.log") if path.stat().st_size]
    assert {"gateway.log", "worker.log"} <= {path.name for path in written}
    logs = {path.name: without_shops(relais, path.read_text("utf-8", "replace")) for path in written}
    terminal = logs.pop("supervisor.log")
    found = {name: leaks(text, known | demo_passwords(relais)) for name, text in logs.items()}
    found["terminal"] = leaks(terminal, known)
    assert {name: lines[:3] for name, lines in found.items() if lines} == {}
    figures = relais.http.get(f"{relais.gateway}/metrics").text
    assert "relais_" in figures
    assert leaks(without_shops(relais, figures), known) == []
