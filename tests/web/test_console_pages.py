"""What the console shows and does: a stranger's words stay words, and each action reaches what it is for."""

from __future__ import annotations

import asyncio
import html
import json
import re
from pathlib import Path

import pytest
from sqlalchemy import select

from bot import settings, wiring
from bot.core.addresses import ChannelName
from bot.core.basket import Basket, BasketLine, Checkout
from bot.core.catalogue import Product
from bot.core.orders import OrderRequest, Placed
from bot.flows.desk import force_key
from bot.ledger.catalogue import LedgerCatalogue, put_product
from bot.ledger.console_models import PaymentRow
from bot.ledger.inbox import Filters, Folder, LedgerInbox
from bot.ledger.models import OrderRow, OutboxRow, Shop
from bot.ledger.orders import LedgerOrders
from bot.ledger.schema import upgrade_to_head
from bot.settings import SettingsError
from bot.web.console import words
from bot.web.console.english import sentences
from bot.web.console.inbox import mark
from bot.web.console.table import PAGES
from bot.web.start_link import qr_svg
from tests.storage.servers import running
from tests.web.house import PUBLIC, SHOP
from tests.web.office import LANE, ROOT, Office

PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% include 'x' %}",
    "' autofocus onfocus=alert(1) x='",
    "javascript:alert(1)",
)
INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=[\"']?[a-z]|javascript:[a-z]+\(", re.IGNORECASE
)
PATHS = (
    "/conversations?dossier=all", f"/conversations/{LANE}", f"/conversations/{LANE}/print", f"/conversations/{LANE}/log",
    "/orders", "/orders/sheet", "/channels", "/calls", "/catalogue", "/settings", "/settings/trail", "/team", "/account",
)  # fmt: skip


def tags_only(page: str) -> str:
    """The page without the text between its tags and without quoted values: what a browser takes for markup."""
    return re.sub(r'"[^"]*"', '""', "".join(re.findall(r"<[^>]*>", page)))


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_a_strangers_words_stay_words_on_every_page(office: Office, payload: str) -> None:
    await office.hostile(payload)
    product = Product("pagne-kita", payload[:100], payload[:60], payload, (payload,), 1000, (), 3)
    await put_product(office.house.ledger, SHOP, product, "test")
    async with office.signed_in("owner") as owner:
        await owner.post(f"/conversations/{LANE}/note", text=payload)
        await owner.post("/settings/canned", code="mot", text=payload)
        await owner.post("/team", name=payload, login="autre", role="reader")
        for path in (*PATHS, "/catalogue/products/pagne-kita", f"/conversations?q={payload[:40]}"):
            page = (await owner.get(path)).text
            assert "<" not in payload or payload not in page, path
            assert not re.search(r"<script(?![^>]*\bsrc=)|<img src=x|\son(error|focus)=", tags_only(page)), (
                path
            )
            assert 'href="javascript:' not in page, path
        story = (await owner.get(f"/conversations/{LANE}")).text
        assert html.unescape(re.sub(r"<[^>]*>", "", story)).count(payload) >= 2


async def test_no_page_needs_inline_script_or_style(office: Office) -> None:
    await office.hear("2 pagnes")
    async with office.signed_in("owner") as owner:
        for path in PATHS:
            answer = await owner.get(path)
            assert answer.status_code == 200, path
            assert not INLINE.search(answer.text), (path, INLINE.search(answer.text))
            policy = answer.headers["content-security-policy"]
            assert "script-src 'self'" in policy and "unsafe" not in policy
            assert answer.headers["cache-control"] == "no-store"


async def test_taking_over_and_answering_reach_the_shopper_once(busy: Office) -> None:
    await busy.hear("2 pagnes")
    async with busy.signed_in("staff") as staff:
        await staff.post(f"/conversations/{LANE}/take-over")
        assert (await busy.house.conversation(LANE)).human
        for _ in range(2):
            await staff.post(f"/conversations/{LANE}/say", text="Bonjour, je suis là", once="a" * 24)
        page = (await staff.get(f"/conversations/{LANE}")).text
        await staff.post(f"/conversations/{LANE}/release")
    assert "Bonjour, je suis là" in page
    assert [text for text in busy.house.phones[ChannelName.WHATSAPP].texts if "je suis là" in text] == [
        "Bonjour, je suis là"
    ]
    assert not (await busy.house.conversation(LANE)).human


async def test_who_answers_takes_the_conversation_over(busy: Office) -> None:
    await busy.hear("2 pagnes")
    async with busy.signed_in("staff") as staff:
        await staff.post(f"/conversations/{LANE}/say", text="Je m'en occupe")
    assert (await busy.house.conversation(LANE)).human


async def test_who_waits_longest_for_a_person_is_first(busy: Office) -> None:
    await busy.hear("2 pagnes")
    async with busy.signed_in("staff") as staff:
        await staff.post(f"/conversations/{LANE}/take-over")
        await busy.project()
        waiting = await LedgerInbox(busy.house.ledger).list(SHOP, Folder.WAITING, Filters())
        await staff.post(f"/conversations/{LANE}/say", text="Oui ?")
        await busy.project()
        answered = await LedgerInbox(busy.house.ledger).list(SHOP, Folder.WAITING, Filters())
        await busy.hear("Vous livrez à Bouaké ?")
        again = await LedgerInbox(busy.house.ledger).list(SHOP, Folder.WAITING, Filters())
    assert [rows[0].waiting_since is not None for rows in (waiting, answered, again)] == [True, False, True]


async def test_the_answer_says_where_it_would_go_and_what_it_costs(office: Office) -> None:
    await office.hear("2 pagnes")
    board = office.house.board
    async with office.signed_in("staff") as staff:
        here = (await staff.get(f"/conversations/{LANE}")).text
        await board.force(SHOP, ChannelName.WHATSAPP, "down", "test", office.house.clock.now())
        there = (await staff.get(f"/conversations/{LANE}")).text
    assert 'Partira par <span class="chan whatsapp">' in here and "fenêtre de 24 h : encore 23 h" in here
    assert 'Partira par <span class="chan sms">' in there


@pytest.mark.parametrize("words", ["pagnes", "PAGNÉS", "Koné", "kone", "07 00 00 00 01", "0001"])
async def test_searching_knows_no_accents_and_any_spelling_of_a_number(office: Office, words: str) -> None:
    await office.hear("2 pagnes", profile_name="Awa Koné")
    async with office.signed_in("reader") as reader:
        page = (await reader.client.get("/console/conversations", params={"q": words})).text
    assert f'id="row-{LANE}"' in page


def test_a_hit_is_marked_with_its_own_accents() -> None:
    assert str(mark("C'est à Bouaké <b>", "bouake")) == "C&#39;est à <mark>Bouaké</mark> &lt;b&gt;"


async def test_an_orders_next_step_is_told_to_the_feed(office: Office) -> None:
    order_id = await placed(office)
    async with office.signed_in("staff") as staff:
        done = await staff.post(f"/orders/{order_id}/status", status="out_for_delivery")
        back = await staff.post(f"/orders/{order_id}/status", status="packed")
    assert ("fait=status" in done.headers["location"], "fait=status-wrong" in back.headers["location"]) == (
        True,
        True,
    )
    async with office.house.ledger.reading() as connection:
        told = list(await connection.scalars(select(OutboxRow.data).where(OutboxRow.type == "order.updated")))
    assert [data["status"] for data in told] == ["out_for_delivery"]


async def test_a_payment_keeps_who_said_it_and_by_which_means(office: Office) -> None:
    order_id = await placed(office)
    async with office.signed_in("staff") as staff:
        for _ in range(2):
            await staff.post(f"/orders/{order_id}/payment", status="paid", means="wave", source="wallet")
    async with office.house.ledger.reading() as connection:
        rows = (await connection.execute(select(PaymentRow.means, PaymentRow.source, PaymentRow.who))).all()
        status = await connection.scalar(select(OrderRow.payment_status))
    assert ([tuple(row) for row in rows], status) == ([("wave", "wallet", "Staff")], "paid")


async def test_forcing_needs_a_reason_and_is_for_this_shop(office: Office) -> None:
    async with office.signed_in("staff") as staff:
        refused = await staff.post("/channels/whatsapp/force", state="down")
        forced = await staff.post("/channels/whatsapp/force", state="down", reason="Maintenance")
        page = (await staff.get("/channels")).text
    key = force_key(SHOP, ChannelName.WHATSAPP)
    health = (await office.house.board.read([key]))[key]
    assert "bad-value" in refused.headers["location"] and "forced" in forced.headers["location"]
    assert (health.forced, health.forced_reason) == ("down", "Maintenance (Staff)")
    assert "coupé à la main" in page and "Maintenance (Staff)" in page


async def test_the_public_link_is_shown_with_a_code_to_print(office: Office) -> None:
    url = f"{PUBLIC}/s/{SHOP}"
    async with office.signed_in("reader") as reader:
        page = (await reader.get("/channels")).text
        code = await reader.get("/channels/lien-qr.svg")
    assert f'<a href="{url}">' in page and 'src="/console/channels/lien-qr.svg"' in page
    assert (code.headers["content-type"], code.text) == ("image/svg+xml", qr_svg(url))


async def test_a_wrong_file_is_shown_line_by_line_and_changes_nothing(office: Office) -> None:
    before = await LedgerCatalogue(office.house.ledger).catalogue(SHOP)
    text = "product_id,name,category,description,aliases,price_xof,options,stock\nok,Ok,rayon,,,100,,\nMAL,Mal,rayon,,,cent,,\n"
    async with office.signed_in("owner") as owner:
        page = await owner.post("/catalogue/preview", text=text)
        refused = await owner.post("/catalogue/import", text=text)
    assert page.status_code == 422 and "Ligne 3" in page.text and "petites lettres" in page.text
    assert "bad-value" in refused.headers["location"]
    assert await LedgerCatalogue(office.house.ledger).catalogue(SHOP) == before


async def test_a_good_file_is_previewed_then_imported(office: Office) -> None:
    text = "product_id,name,category,description,aliases,price_xof,options,stock\nchapeau,Chapeau,accessoires,,,4500,,7\n"
    async with office.signed_in("owner") as owner:
        page = (await owner.post("/catalogue/preview", text=text)).text
        await owner.post("/catalogue/import", text=text)
    found = {product.id: product for product in await LedgerCatalogue(office.house.ledger).catalogue(SHOP)}
    assert "nouveau" in page and found["chapeau"].stock == 7 and len(found) > 10


async def test_a_product_is_added_with_an_id_of_its_own(office: Office) -> None:
    fields = {"name": "Sac à l’œil", "category": "Sacs", "price_xof": "9 000", "aliases": "sac, sacoche"}
    async with office.signed_in("owner") as owner:
        wrong = await owner.post("/catalogue/new", **{**fields, "price_xof": "cher"})
        for _ in range(2):
            await owner.post("/catalogue/new", **fields, stock="4")
        page = (await owner.get("/catalogue")).text
    found = {one.id: one for one in await LedgerCatalogue(office.house.ledger).catalogue(SHOP)}

    assert wrong.headers["location"].endswith("bad-value")
    first = found["sac-a-l-oeil"]
    assert (first.price_xof, first.stock, first.aliases) == (9000, 4, ("sac", "sacoche"))
    assert "sac-a-l-oeil-2" in found and page.count("Sac à l’œil") >= 2


async def test_settings_are_checked_like_the_file(office: Office) -> None:
    async with office.signed_in("owner") as owner:
        good = await owner.post(
            "/settings/roads",
            budget="7000",
            place_whatsapp="1",
            place_sms="2",
            quiet_from="22:00",
            quiet_to="06:30",
        )
        bad = await owner.post(
            "/settings/roads", budget="7000", place_whatsapp="1", quiet_from="99:00", quiet_to="06:30"
        )
    async with office.house.ledger.reading() as connection:
        kept = await connection.scalar(select(Shop.settings).where(Shop.id == SHOP))
    assert ("saved" in good.headers["location"], "bad-value" in bad.headers["location"]) == (True, True)
    assert kept["failover"] == {
        "order": ["whatsapp", "sms"],
        "sms_budget_xof_per_hour": 7000,
        "quiet_hours": "22:00-06:30",
    }


async def test_a_key_is_shown_once_and_nowhere_else(office: Office) -> None:
    async with office.signed_in("owner") as owner:
        made = (await owner.post("/team/keys", name="Comptable")).text
        later = (await owner.get("/team")).text
    key = re.search(r"relais_live_[0-9A-Za-z]{38}", made)
    assert key is not None and key[0] not in later and "Comptable" in later


async def test_the_trail_tells_who_did_what_and_no_words(office: Office) -> None:
    await office.hear("2 pagnes")
    async with office.signed_in("owner") as owner:
        await owner.post(f"/conversations/{LANE}/note", text="le secret de la note")
        page = (await owner.get("/settings/trail")).text
    assert "a écrit une note" in page and "le secret" not in page


async def test_what_changes_is_told_to_the_open_page(office: Office) -> None:
    await office.hear("Bonjour")
    async with (
        asyncio.timeout(10),
        office.signed_in("reader") as reader,
        reader.client.stream("GET", "/console/stream") as stream,
    ):
        lines = stream.aiter_lines()
        assert await until(lines, "event: hello") == "{}"
        await office.hear("2 pagnes")
        assert json.loads(await until(lines, "event: changed"))["ids"] == [LANE]


async def until(lines: object, wanted: str) -> str:
    """The data of the next event of that name."""
    named = False
    async for line in lines:  # type: ignore[attr-defined]
        if named and line.startswith("data: "):
            return str(line.removeprefix("data: "))
        named = named or line == wanted
    raise AssertionError(f"the stream ended before {wanted}")


async def test_serve_does_not_start_with_a_demo_user(tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    with running(tmp_path / "redis", "--appendonly", "yes", "--appendfsync", "always") as redis_url:
        environment = {
            "RELAIS_DATA": str(tmp_path),
            "RELAIS_SECRET": "s" * 40,
            "REDIS_URL": redis_url,
            "PORT": "8999",
            "RELAIS_SHOPS": str(ROOT / "shops"),
        }
        trial = settings.load(environment, simulator=True)
        await upgrade_to_head(trial.database_url)
        await wiring.prepare(trial, print)
        for_real = settings.load({**environment, "PUBLIC_URL": "https://relais.example"}, simulator=False)
        with pytest.raises(SettingsError, match="demo user"):
            await wiring.prepare(for_real, print)


def test_every_sentence_has_its_english() -> None:
    folder = ROOT / "bot" / "web" / "templates" / "console"
    said = set()
    for file in folder.glob("*.html"):
        said |= set(re.findall(r'\bt\("((?:[^"\\]|\\.)*)"', file.read_text())) | set(
            re.findall(r"\bt\('((?:[^'\\]|\\.)*)'", file.read_text())
        )
    for table in (
        words.STATES,
        words.ORDER_STATUSES,
        words.ORDER_ACTIONS,
        words.PAYMENTS,
        words.SOURCES,
        words.ROLES,
        words.ROLE_MEANINGS,
        words.AWAITING,
        words.TICKS,
        words.REASONS,
        words.EVIDENCE,
        words.DONE,
        words.DEEDS,
        words.DAYS_RECORDED,
        words.DRILL_STATES,
        words.HOOK_STATES,
        words.HOOK_ERRORS,
    ):
        said |= set(table.values())
    assert len(said) > 300
    assert sorted(sentence for sentence in said if sentence not in sentences()) == []


def test_no_two_pages_share_an_address() -> None:
    addresses = [(page.method, page.path) for page in PAGES]
    assert len(addresses) == len(set(addresses)) and len({page.name for page in PAGES}) == len(PAGES)


async def placed(office: Office) -> str:
    """An order of the shop, placed as the bot does."""
    line = BasketLine("pagne-kita", "Pagne kita", (), 1, 35000)
    checkout = Checkout("Aya Koffi", "+2250700000001", "Cocody", 1500, "près de la pharmacie", payment="cash")
    basket = Basket(f"{LANE}-b1", 1, (line,), checkout)
    request = OrderRequest(SHOP, LANE, "cus_1", ChannelName.WHATSAPP, basket, "turn-1")
    result = await LedgerOrders(office.house.ledger).place(request)
    assert isinstance(result, Placed)
    return result.order_id
