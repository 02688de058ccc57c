"""Laws of the item parser, for catalogues and orders of any kind."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from bot.core.basket import MAX_QUANTITY, Basket, BasketLine
from bot.core.cart import added
from bot.core.catalogue import Product, index
from bot.core.matching import find_items
from bot.core.options import wanted_options
from tests.dialogue.memory_ledger import SHOPS, read_products

INDEXES = {shop: index(read_products(SHOPS / shop)) for shop in ("awa-mode", "zoe-accessoires", "coton-doux")}

Asked = tuple[str, tuple[tuple[str, str], ...], int]
"""(product id, options, quantity)"""


def line(product: Product, chosen: tuple[str, ...], quantity: int) -> BasketLine:
    names = [name for name, _ in product.options]
    return BasketLine(product.id, product.name, tuple(zip(names, chosen, strict=True)), quantity, 0)


def lines_of(product: Product) -> st.SearchStrategy[BasketLine]:
    values = st.tuples(*(st.sampled_from(values) for _, values in product.options))
    return st.builds(line, st.just(product), values, st.integers(1, MAX_QUANTITY))


def shopping(shop: str) -> st.SearchStrategy[list[BasketLine]]:
    products = list(INDEXES[shop].products.values())
    some = st.lists(st.sampled_from(products), min_size=1, max_size=4, unique_by=lambda product: product.id)
    return some.flatmap(lambda chosen: st.tuples(*map(lines_of, chosen)).map(list))


shops = st.sampled_from(sorted(INDEXES))
orders = shops.flatmap(lambda shop: st.tuples(st.just(shop), shopping(shop)))


def read(text: str, shop: str) -> list[Asked]:
    found = find_items(text, INDEXES[shop]).items
    return [
        (item.candidates[0].product.id, item.candidates[0].options, item.quantity or 1)
        if item.product is not None
        else ("?", (), 0)
        for item in found
    ]


def asked(lines: list[BasketLine]) -> list[Asked]:
    return [(each.product_id, each.options, each.quantity) for each in lines]


@given(orders)
def test_an_order_as_we_render_it_is_read_as_the_same_order(order: tuple[str, list[BasketLine]]) -> None:
    shop, lines = order
    basket = Basket("b")
    for each in lines:
        product = INDEXES[shop].products[each.product_id]
        basket = added(basket, product, each.options, each.quantity)
    text = "\n".join(f"{each.quantity} x {each.label}" for each in basket.lines)
    assert read(text, shop) == asked(lines)


@given(orders, st.sampled_from([" + ", ", ", " et ", "\n", " puis "]), st.booleans())
def test_lines_keep_their_meaning_in_any_list_and_in_capitals(
    order: tuple[str, list[BasketLine]], between: str, loud: bool
) -> None:
    shop, lines = order
    text = between.join(f"{each.quantity} {each.label}" for each in lines)
    assert read(text.upper() if loud else text, shop) == asked(lines)


@given(st.text(max_size=800), shops)
def test_any_text_is_read_without_harm(text: str, shop: str) -> None:
    for item in find_items(text, INDEXES[shop]).items:
        assert item.candidates
        for candidate in item.candidates:
            offered = dict(candidate.product.options)
            assert all(value in offered[name] for name, value in candidate.options)


@given(shops.flatmap(lambda shop: st.sampled_from(list(INDEXES[shop].products.values()))), st.data())
def test_the_value_wanted_instead_is_the_one_taken(product: Product, data: st.DataObject) -> None:
    several = [(name, values) for name, values in product.options if len(values) > 1]
    if several:
        name, values = data.draw(st.sampled_from(several))
        old, new = data.draw(st.permutations(values))[:2]
        assert dict(wanted_options(f"pas {old}, {new}", product)).get(name) == new
        assert dict(wanted_options(f"finalement {new}", product)).get(name) == new


@given(st.sampled_from(sorted(INDEXES["awa-mode"].phrases)), st.integers(0, 30), st.sampled_from(["drop", "double"]))
def test_a_slip_in_a_long_name_never_leads_to_another_product_alone(
    phrase: str, place: int, slip: str
) -> None:
    words = phrase.split()
    longest = max(words, key=len)
    if len(longest) < 7:
        return
    at = 1 + place % (len(longest) - 2)
    typed = longest[:at] + (longest[at] * 2 if slip == "double" else "") + longest[at + 1 :]
    text = re.sub(rf"\b{longest}\b", typed, phrase, count=1)
    meant = INDEXES["awa-mode"].phrases[phrase]
    for item in find_items(text, INDEXES["awa-mode"]).items[:1]:
        assert meant & {candidate.product.id for candidate in item.candidates}
