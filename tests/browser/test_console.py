"""Each page's main task by thumb and by mouse, in a real Chromium, against the running system."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Window, demo, opened
from tests.system.running import Person, Running, eventually


async def begin(window: Window, shopper: Person, text: str = "1 foulard wax") -> str:
    """The shopper writes; their conversation is open in the window."""
    shopper.ask(text)
    conversation = str(shopper.conversation()["id"])
    await window.open(f"/conversations/{conversation}")
    await expect(window.page.locator(".log")).to_contain_text(text)
    await expect(window.page.locator("html[data-stream=open]")).to_be_attached()
    return conversation


async def test_what_a_shopper_types_appears_in_the_open_page(window: Window, shopper: Person) -> None:
    await begin(window, shopper)
    shopper.write("Vous avez aussi en bleu ?")
    await expect(window.page.locator(".log")).to_contain_text("Vous avez aussi en bleu ?", timeout=5_000)


async def test_taking_over_answering_and_giving_back(window: Window, shopper: Person) -> None:
    await begin(window, shopper)
    await window.page.get_by_role("button", name="Prendre").click()
    await expect(window.page.locator(".log")).to_contain_text("Une personne a la main")
    await window.page.fill("#text", "Bonjour, oui en bleu aussi")
    await window.page.get_by_role("button", name="Envoyer").click()
    shopper.read(until="oui en bleu aussi")
    await expect(window.page.locator(".said.vendor")).to_contain_text("oui en bleu aussi")
    await expect(window.page.locator("#text")).to_have_value("")
    await window.page.get_by_role("button", name="Rendre").click()
    shopper.read(until="assistant de la boutique est de retour")
    await expect(window.page.get_by_role("button", name="Prendre")).to_be_visible()


async def test_a_note_stays_among_the_team(window: Window, shopper: Person) -> None:
    await begin(window, shopper)
    await window.page.get_by_text("Note pour l'équipe").click()
    await window.page.fill("#note", "Cliente fidèle")
    await window.page.get_by_role("button", name="Ajouter la note").click()
    await expect(window.page.locator(".log .note")).to_contain_text("Cliente fidèle")
    assert all("fidèle" not in message["text"] for message in shopper.screen("whatsapp"))


async def test_a_draft_outlives_the_page(window: Window, shopper: Person) -> None:
    conversation = await begin(window, shopper)
    await window.page.fill("#text", "Je regarde le st")
    await window.open("/orders")
    await window.open(f"/conversations/{conversation}")
    await expect(window.page.locator("#text")).to_have_value("Je regarde le st")


async def test_an_outage_is_told_in_words_and_the_move_in_the_story(
    window: Window, shopper: Person, stage: Running
) -> None:
    conversation = await begin(window, shopper)
    await window.open("/channels")
    card = window.page.locator(".channel-card", has_text="WhatsApp").first
    await card.get_by_text("Forcer…").click()
    await card.get_by_label("Raison").fill("Essai de panne")
    await card.get_by_role("button", name="Couper").click()
    await expect(window.page.locator(".channel-card").first).to_contain_text("Essai de panne")
    try:
        shopper.write("2 foulard wax")
        await window.open(f"/conversations/{conversation}")
        await expect(window.page.locator(".turn.move")).to_contain_text("ne passait plus", timeout=20_000)
        await expect(window.page.locator(".road")).to_contain_text("SMS")
    finally:
        stage.api("channels/whatsapp/force", method="POST", state="auto", reason="essai fini")


async def test_a_test_message_is_sent_and_its_end_appears(window: Window) -> None:
    await window.open("/channels")
    card = window.page.locator(".channel-card", has=window.page.locator(".chan.sms"))
    await card.get_by_text("Envoyer un test…").click()
    await card.get_by_role("button", name="Envoyer le test").click()
    await window.page.wait_for_selector("#trial-sms:has-text(\"accepté par l'opérateur\")")


async def test_an_order_goes_from_the_board_to_the_shopper(window: Window, shopper: Person) -> None:
    for words in (
        "1 foulard wax",
        "commander",
        "Cocody",
        "près de la pharmacie",
        "Awa Koné",
        "0700000077",
        "wave",
    ):
        shopper.ask(words)
    shopper.ask("oui", until="confirmée")
    number = shopper.the_order()["number"]
    await window.open("/orders")
    card = window.page.locator(".order-card", has_text=number)
    await card.get_by_role("button", name="Marquer prête").click()
    shopper.read(until=number)
    await window.page.get_by_role("link", name=re.compile("Feuille du jour")).click()
    await expect(window.page.locator("main")).to_contain_text(number)
    await expect(window.page.locator("main")).to_contain_text("près de la pharmacie")
    await window.page.get_by_role("link", name=number).click()
    await window.page.get_by_role("button", name="Noter payée").click()
    await expect(window.page.locator("main")).to_contain_text("vu sur le compte de la boutique")


async def test_a_file_with_mistakes_is_refused_line_by_line(window: Window) -> None:
    await window.open("/catalogue")
    await window.page.get_by_text("Importer un fichier CSV").click()
    rows = "product_id,name,category,description,aliases,price_xof,options,stock\nMAL,Mal,rayon,,,cent,,\n"
    await window.page.locator("input[type=file]").set_input_files(
        {"name": "products.csv", "mimeType": "text/csv", "buffer": rows.encode()}
    )
    await window.page.get_by_role("button", name="Voir les changements").click()
    await expect(window.page.locator("main")).to_contain_text("Ligne 2")
    assert await window.page.get_by_role("button", name=re.compile("Importer")).count() == 0


async def test_a_stock_is_counted_anew(window: Window) -> None:
    await window.open("/catalogue")
    await window.page.get_by_label("Stock de Pagne kita (2 pièces)", exact=True).fill("12")
    await window.page.get_by_label("Enregistrer le stock de Pagne kita (2 pièces)").click()
    await expect(window.page.get_by_label("Stock de Pagne kita (2 pièces)", exact=True)).to_have_value("12")


async def test_a_colleague_comes_in_by_link(window: Window, stage: Running) -> None:
    await window.open("/team")
    await window.page.get_by_text("Ajouter une personne").click()
    form = window.page.locator("form[action='/console/team']")
    await form.get_by_label("Nom").fill("Fatou")
    await form.get_by_label("Identifiant").fill(f"fatou-{window.size}")
    await form.get_by_role("button", name="Ajouter").click()
    link = await window.page.locator("#link").inner_text()
    async with opened(stage, window.size) as other:
        await other.page.goto(link)
        await other.page.get_by_label("Nouveau mot de passe").fill("quatre petits mots verts")
        await other.page.get_by_role("button", name="Enregistrer et entrer").click()
        await expect(other.page.locator("h1")).to_have_text("Conversations")
        assert await other.page.get_by_role("link", name="Équipe et clés").count() == 0


async def test_settings_are_kept(window: Window) -> None:
    await window.open("/settings")
    await window.page.get_by_label("Budget SMS par heure (F)").fill("6500")
    await window.page.locator("form[action$=roads]").get_by_role("button", name="Enregistrer").click()
    await expect(window.page.get_by_label("Budget SMS par heure (F)")).to_have_value("6500")


async def test_lost_lines_are_said_and_found_again(window: Window, shopper: Person) -> None:
    await begin(window, shopper)
    await window.page.context.set_offline(True)
    await expect(window.page.locator("[data-offline]")).to_be_visible()
    await window.page.context.set_offline(False)
    await expect(window.page.locator("[data-offline]")).to_be_hidden(timeout=20_000)


@pytest.mark.parametrize("size", ["desk"])
async def test_the_keyboard_leads_through_the_list(size: str, stage: Running, shopper: Person) -> None:
    shopper.ask("1 foulard wax")
    eventually(lambda: stage.api("conversations")["items"], 10, "a conversation")
    async with opened(stage, size) as window:
        await window.sign_in(**demo(stage))
        await window.open("/conversations?dossier=all")
        await window.page.keyboard.press("j")
        await window.page.keyboard.press("Enter")
        await expect(window.page.locator("#story")).to_be_visible()
        await window.page.keyboard.press("r")
        await expect(window.page.locator("#text")).to_be_focused()
        await window.page.keyboard.press("Escape")
        await window.page.keyboard.press("/")
        await expect(window.page.locator("#q")).to_be_focused()


@pytest.mark.parametrize("size", ["phone", "desk"])
async def test_without_javascript_one_signs_in_searches_reads_and_answers(
    size: str, stage: Running, shopper: Person
) -> None:
    shopper.ask("1 foulard wax")
    async with opened(stage, size, java_script_enabled=False) as window:
        await window.sign_in(**demo(stage))
        await window.page.fill("#q", shopper.number[-8:])
        await window.page.press("#q", "Enter")
        await window.page.locator("a.row").first.click()
        await window.page.fill("#text", "Bonjour sans script")
        await window.page.get_by_role("button", name="Envoyer").click()
        shopper.read(until="Bonjour sans script")
        await expect(window.page.locator(".log")).to_contain_text("Bonjour sans script")


@pytest.mark.parametrize("size", ["phone", "desk"])
async def test_the_first_view_weighs_under_100_kb(size: str, stage: Running, shopper: Person) -> None:
    shopper.ask("1 foulard wax")
    async with opened(stage, size) as window:
        await window.sign_in(**demo(stage))
        sizes: dict[str, int] = {}

        async def weigh(request: object) -> None:
            told = await request.sizes()  # type: ignore[attr-defined]
            sizes[request.url] = told["responseBodySize"] + told["responseHeadersSize"]  # type: ignore[attr-defined]

        client = await window.page.context.new_cdp_session(window.page)
        await client.send("Network.setCacheDisabled", {"cacheDisabled": True})
        window.page.on("requestfinished", weigh)
        await window.open("/conversations")
        await window.page.wait_for_selector("html[data-stream=open]")
        print(f"{size}: {sum(sizes.values())} bytes, {len(sizes)} requests")
        assert len(sizes) >= 4 and sum(sizes.values()) < 100_000
