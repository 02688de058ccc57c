"""Rendering: limits kept, nothing lost, numbers that mean what the choices mean."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.gsm7 import is_gsm7, segments, to_gsm7, units
from bot.core.messages import Capabilities, Choice, Part, Rendered, Reply
from bot.core.rendering import one_segment_notice, render, split

WHATSAPP = Capabilities(
    max_text=1600, max_choice_text=1024, max_buttons=3, max_button_title=20, max_list_rows=10, max_row_title=24,
    max_row_description=72, images=True,
)
TELEGRAM = Capabilities(
    max_text=4096, max_buttons=12, max_button_title=40, images=True, pictured_choices=True, receipts=False
)
SMS = Capabilities(max_text=1530, gsm7=True)
ONE_WAY = replace(SMS, two_way=False)
TINY = Capabilities(max_text=40, max_buttons=2, max_button_title=5)


def sign(index: int) -> str:
    return f"1.2.{index}.mac"


def choices(*titles: str) -> tuple[Choice, ...]:
    return tuple(Choice(value=f"v{i}", title=title) for i, title in enumerate(titles))


CASES = [
    (
        "few short choices become buttons", Reply("On confirme ?", choices=choices("Oui", "Non")), WHATSAPP,
        Rendered((Part("On confirme ?", buttons=(("1.2.0.mac", "Oui"), ("1.2.1.mac", "Non"))),), True),
    ),
    (
        "four choices become a list", Reply("Où ?", choices=choices("Cocody", "Yopougon", "Abobo", "Plateau")),
        WHATSAPP,
        Rendered((Part("Où ?", rows=tuple(
            (sign(i), t, "") for i, t in enumerate(("Cocody", "Yopougon", "Abobo", "Plateau"))
        ), list_label="Choisir"),), True),
    ),
    (
        "a title too long for a row is whole in its description and reported",
        Reply("Quoi ?", choices=choices("Attiéké au poisson grillé", "Rien")), WHATSAPP,
        Rendered((Part("Quoi ?", rows=(
            (sign(0), "Attiéké au poisson gril…", "Attiéké au poisson grillé"), (sign(1), "Rien", ""),
        ), list_label="Choisir"),), True, ("title cut: Attiéké au poisson grillé",)),
    ),
    (
        "by SMS choices are numbered lines", Reply("On confirme ?", choices=choices("Oui", "Non")), SMS,
        Rendered((Part("On confirme ?\n1 Oui\n2 Non", segments=1),), True),
    ),
    (
        "one-way SMS asks nothing", Reply("Ça va, maïs ?", choices=choices("Oui", "Non")), ONE_WAY,
        Rendered((Part("Ça va, mais ?", segments=1),), False, ("choices",)),
    ),
    (
        "more choices than rows are numbered", Reply("Quoi ?", choices=choices(*"abcdefghijk")), WHATSAPP,
        Rendered((Part("Quoi ?\n" + "\n".join(f"{i} {t}" for i, t in enumerate("abcdefghijk", 1))),), True),
    ),
    (
        "titles that look alike are numbered, providers refuse them",
        Reply("Quoi ?", choices=choices("Wax", "wax")), WHATSAPP,
        Rendered((Part("Quoi ?\n1 Wax\n2 wax"),), True),
    ),
    (
        "a picture's address is said where no picture can be shown and it costs no segment",
        Reply("Voici", image_url="https://r.ci/photos/a/b/0123456789abcdef"), SMS,
        Rendered((Part("Voici\nhttps://r.ci/photos/a/b/0123456789abcdef", segments=1),), False, ("image",)),
    ),
    (
        "an address that would cost a segment is left out",
        Reply("V" * 150, image_url="https://r.ci/photos/a"), SMS,
        Rendered((Part("V" * 150, segments=1),), False, ("image",)),
    ),
    (
        "a picture goes before a question with buttons",
        Reply("Celui-ci ?", choices=choices("Oui", "Non"), image_url="https://r.ci/i/1"), WHATSAPP,
        Rendered((
            Part("", image_url="https://r.ci/i/1"),
            Part("Celui-ci ?", buttons=((sign(0), "Oui"), (sign(1), "Non"))),
        ), True),
    ),
    (
        "or above it in one message, where the channel can",
        Reply("Celui-ci ?", choices=choices("Oui", "Non"), image_url="https://r.ci/i/1"), TELEGRAM,
        Rendered((
            Part("Celui-ci ?", image_url="https://r.ci/i/1", buttons=((sign(0), "Oui"), (sign(1), "Non"))),
        ), True),
    ),
    (
        "a text of which SMS can write nothing is not sent empty", Reply("👍"), SMS,
        Rendered((Part("...", segments=1),), False, ("text",)),
    ),
]


@pytest.mark.parametrize(("claim", "reply", "capabilities", "expected"), CASES, ids=[case[0] for case in CASES])
def test_a_reply_takes_the_form_its_channel_allows(
    claim: str, reply: Reply, capabilities: Capabilities, expected: Rendered
) -> None:
    assert render(reply, capabilities, sign) == expected


def test_a_long_text_is_cut_between_sentences_and_keeps_its_choices_last() -> None:
    text = "Bonjour Awa. Voici la robe. Elle coûte 5 000 F. On y va ?"
    rendered = render(Reply(text, choices=choices("Oui", "Non")), TINY, sign)
    assert [part.text for part in rendered.parts] == ["Bonjour Awa. Voici la robe.", "Elle coûte 5 000 F. On y va ?"]
    assert [len(part.buttons) for part in rendered.parts] == [0, 2]


_texts = st.text(st.sampled_from(list("abcdé êç’.!? \n\n1😀👍🏽\u200d€[")), max_size=400)
_titles = st.text(st.sampled_from(list("abcdef gé€😀")), min_size=1, max_size=60).filter(
    lambda title: bool(to_gsm7(title).strip())
)
_choices = st.lists(st.builds(Choice, value=st.just("v"), title=_titles), max_size=12).map(tuple)
_capabilities = st.one_of(
    st.sampled_from([WHATSAPP, TELEGRAM, SMS, TINY]),
    st.builds(
        Capabilities, max_text=st.integers(8, 200), max_choice_text=st.integers(8, 100), max_buttons=st.integers(0, 4),
        max_button_title=st.integers(0, 25), max_list_rows=st.integers(0, 10), max_row_title=st.integers(1, 24),
        max_row_description=st.integers(0, 72), images=st.booleans(), gsm7=st.booleans(),
    ),
)


def _length(text: str, capabilities: Capabilities) -> int:
    return units(text) if capabilities.gsm7 else len(text.encode("utf-16-le")) // 2


@given(_texts, _choices, _capabilities)
def test_every_limit_of_the_channel_is_kept(text: str, offered: tuple[Choice, ...], can: Capabilities) -> None:
    for part in render(Reply(text, choices=offered), can, sign).parts:
        carries = part.buttons or part.rows
        assert _length(part.text, can) <= ((can.max_choice_text or can.max_text) if carries else can.max_text)
        assert part.text.strip()
        assert len(part.buttons) <= can.max_buttons
        assert len(part.rows) <= can.max_list_rows
        assert all(_length(title, can) <= can.max_button_title for _, title in part.buttons)
        assert all(_length(title, can) <= can.max_row_title for _, title, _ in part.rows)
        assert all(_length(words, can) <= can.max_row_description for _, _, words in part.rows)


@given(_texts, _choices, _capabilities)
def test_no_word_is_lost(text: str, offered: tuple[Choice, ...], can: Capabilities) -> None:
    rendered = render(Reply(text, choices=offered), can, sign)
    said = "".join("".join(part.text for part in rendered.parts).split())
    wanted = "".join((to_gsm7(text) if can.gsm7 else text).split())
    assert said.startswith(wanted)
    shown = "".join([
        said, *(t for part in rendered.parts for _, t in part.buttons),
        *(t + d for part in rendered.parts for _, t, d in part.rows),
    ])
    for choice in offered:
        title = to_gsm7(choice.title) if can.gsm7 else choice.title
        assert "".join(title.split()) in "".join(shown.split())


@given(_texts, _choices, _capabilities)
def test_taps_and_numbers_stand_for_the_choices_in_order(
    text: str, offered: tuple[Choice, ...], can: Capabilities
) -> None:
    rendered = render(Reply(text, choices=offered), can, sign)
    assert rendered.put_as_choice == bool(offered)
    last = rendered.parts[-1]
    payloads = [row[0] for row in (*last.buttons, *last.rows)]
    assert payloads in ([], [sign(i) for i in range(len(offered))])
    assert not any(part.buttons or part.rows for part in rendered.parts[:-1])


@given(_texts, _choices)
def test_segments_are_those_of_the_text_that_is_sent(text: str, offered: tuple[Choice, ...]) -> None:
    for part in render(Reply(text, choices=offered), SMS, sign).parts:
        assert part.segments == segments(part.text)
        assert is_gsm7(part.text)


@given(_texts, st.integers(1, 60))
def test_splitting_drops_blanks_only(text: str, limit: int) -> None:
    assert "".join("".join(split(text, max(limit, 2), WHATSAPP)).split()) == "".join(text.split())


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=200))
def test_a_one_way_notice_is_one_segment_with_link_and_phone_whole(shop: str, reason: str, basket: str) -> None:
    link, phone = "https://relais.example.ci/c/AAAAAAAAAAAAAAAAAAAAAA", "+2250700000001"
    notice = one_segment_notice(shop, reason, basket, link, phone)
    assert is_gsm7(notice)
    assert segments(notice) == 1
    assert link in notice
    assert phone in notice


NOTICES = [
    (
        ("Chez Awa", "WhatsApp est en panne", "Panier: 2 art., 41 000 F", "https://r.ci/c/A", "+2250700000001"),
        "Chez Awa: WhatsApp est en panne. Panier: 2 art., 41 000 F. Suite: https://r.ci/c/A Tel +2250700000001",
    ),
    (
        ("Awa", "Internet est coupé", "2 art., 41 000 F", "", "+2250700000001"),
        "Awa: Internet est coupé. 2 art., 41 000 F. Tel +2250700000001",
    ),
]


@pytest.mark.parametrize(("words", "expected"), NOTICES)
def test_a_notice_names_shop_reason_basket_link_and_phone(
    words: tuple[str, str, str, str, str], expected: str
) -> None:
    assert one_segment_notice(*words) == expected


def test_a_long_shop_name_gives_way_before_the_basket() -> None:
    notice = one_segment_notice(
        "La Grande Boutique de Tantie Awa et ses filles à Treichville", "WhatsApp est en panne",
        "Panier: 2 art., 41 000 F", "https://relais.example.ci/c/AAAAAAAAAAAAAAAAAAAAAA", "+2250700000001",
    )
    assert notice.startswith("La Grande Boutique")
    assert "Panier: 2 art., 41 000 F" in notice
    assert "repond" not in notice.lower()


def test_long_words_fill_the_room_that_is_left() -> None:
    notice = one_segment_notice(
        "Awa", "", "Votre commande de trois robes en wax et deux foulards part demain matin avec notre livreur Koffi",
        "https://relais.example.ci/c/AAAAAAAAAAAAAAAAAAAAAA", "+2250700000001",
    )
    assert notice.startswith("Awa: Votre commande de trois robes en wax et deux foulards part")
    assert 145 <= units(notice) <= 160
