"""Files of shoppers: fetched with the account's credentials, kept whole, refused when they are not what they should be."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.channels import media
from bot.channels.accounts import Account, TelegramAccount, TwilioAccount
from bot.channels.media import MediaFolder
from bot.core.addresses import ChannelName, LaneId, ShopId
from bot.core.conversations import WantedFile
from bot.ports import FileOutcome
from bot.storage.kept_files import KeptFiles
from tests.channels.scripted_provider import Provider, Says

SHOP, LANE = ShopId("awa"), LaneId("ab12cd")
NAME = f"{LANE}-7-0"
AUDIO = (("content-type", "audio/ogg"),)
KEPT, LATER, GONE = FileOutcome.KEPT, FileOutcome.LATER, FileOutcome.GONE


@pytest.fixture
async def folder(provider: Provider, tmp_path: Path) -> AsyncIterator[MediaFolder]:
    accounts: dict[ChannelName, Account] = {
        ChannelName.WHATSAPP: TwilioAccount("AC1", ("secret",), "+2250700000190"),
        ChannelName.TELEGRAM: TelegramAccount("42:token", "s", "awa_bot"),
    }
    opened = MediaFolder(
        KeptFiles(tmp_path), {SHOP: accounts}, twilio_api_url=provider.url, telegram_api_url=provider.url, patience=0.5
    )
    yield opened
    await opened.close()


@pytest.fixture
def kept(tmp_path: Path) -> KeptFiles:
    return KeptFiles(tmp_path)


def of_twilio(provider: Provider, path: str = "/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1") -> WantedFile:
    return WantedFile(NAME, ChannelName.WHATSAPP, provider.url + path, "audio/ogg")


async def test_a_voice_note_is_kept_with_its_type(provider: Provider, folder: MediaFolder, kept: KeptFiles) -> None:
    provider.says(Says(b"OggS...", headers=AUDIO))
    assert await folder.keep(SHOP, LANE, of_twilio(provider)) is KEPT
    assert kept.read(LANE, NAME) == (b"OggS...", "audio/ogg")
    assert provider.asked[0].headers["authorization"] == "Basic " + base64.b64encode(b"AC1:secret").decode()


async def test_credentials_do_not_follow_a_redirect(provider: Provider, folder: MediaFolder) -> None:
    provider.says(Says(b"", 307, headers=(("location", "/elsewhere"),)), Says(b"OggS", headers=AUDIO))
    assert await folder.keep(SHOP, LANE, of_twilio(provider)) is KEPT
    assert "authorization" not in provider.asked[1].headers


@pytest.mark.parametrize("target", ["http://169.254.169.254/latest", "https://evil.example/x", "file:///etc/passwd"])
async def test_a_redirect_to_a_stranger_is_not_followed(
    provider: Provider, folder: MediaFolder, target: str
) -> None:
    provider.says(Says(b"", 302, headers=(("location", target),)))
    assert await folder.keep(SHOP, LANE, of_twilio(provider)) is GONE
    assert len(provider.asked) == 1


async def test_only_the_providers_own_host_is_asked(provider: Provider, folder: MediaFolder) -> None:
    foreign = WantedFile(NAME, ChannelName.WHATSAPP, "https://evil.example/ME1", "audio/ogg")
    assert await folder.keep(SHOP, LANE, foreign) is GONE


async def test_telegram_is_asked_for_the_path_first(provider: Provider, folder: MediaFolder) -> None:
    path = {"ok": True, "result": {"file_id": "F", "file_unique_id": "u", "file_path": "voice/file_1.oga"}}
    provider.says(Says(path), Says(b"OggS", headers=(("content-type", "application/octet-stream"),)))
    wanted = WantedFile(NAME, ChannelName.TELEGRAM, "telegram-file:F", "audio/ogg")
    assert await folder.keep(SHOP, LANE, wanted) is KEPT
    assert [asked.path for asked in provider.asked] == ["/bot42:token/getFile", "/file/bot42:token/voice/file_1.oga"]


@pytest.mark.parametrize(
    ("says", "outcome"),
    [
        (Says(b"<script>", headers=(("content-type", "text/html"),)), GONE),
        (Says(b"", 404), GONE),
        (Says(b"", 503), LATER),
        (Says(hang=True), LATER),
        (Says(drop=True), LATER),
    ],
)
async def test_what_goes_wrong_passes_or_does_not(
    provider: Provider, folder: MediaFolder, kept: KeptFiles, says: Says, outcome: FileOutcome
) -> None:
    provider.says(says)
    assert await folder.keep(SHOP, LANE, of_twilio(provider)) is outcome
    assert kept.read(LANE, NAME) is None


async def test_a_file_that_is_too_large_is_not_kept(
    provider: Provider, folder: MediaFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "MOST_BYTES", 10)
    provider.says(Says(b"x" * 11, headers=AUDIO))
    assert await folder.keep(SHOP, LANE, of_twilio(provider)) is GONE


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b-1-0", "", "ab-1"])
def test_no_name_leads_out_of_the_folder(kept: KeptFiles, name: str) -> None:
    assert kept.read(LANE, name) is None
    with pytest.raises(ValueError, match="not a name"):
        kept.write(LANE, name, "audio/ogg", b"")


async def test_erasing_a_shopper_removes_the_files(
    provider: Provider, folder: MediaFolder, kept: KeptFiles
) -> None:
    provider.says(Says(b"OggS", headers=AUDIO))
    await folder.keep(SHOP, LANE, of_twilio(provider))
    await folder.forget(LANE)
    assert kept.read(LANE, NAME) is None
