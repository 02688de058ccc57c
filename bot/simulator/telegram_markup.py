"""Checks of what a bot sends: texts and keyboards, with the answers of the real API."""

from __future__ import annotations

from typing import Any

Rows = list[list[dict[str, Any]]]

CALLBACK_DATA_BYTES = 64


class Refused(Exception):
    """An error answer of the Bot API."""

    def __init__(self, code: int, description: str, retry_after: int | None = None) -> None:
        super().__init__(code, description)
        self.code = code
        self.description = description
        self.retry_after = retry_after


def checked_text(value: object, limit: int, empty: str, long: str) -> str:
    """Return the text; raises Refused when it is empty or over `limit` characters."""
    text = str(value if value is not None else "").strip()
    if not text:
        raise Refused(400, f"Bad Request: {empty}")
    if len(text) > limit:
        raise Refused(400, f"Bad Request: {long}")
    return text


def checked_markup(markup: object) -> tuple[Rows | None, dict[str, Any] | None]:
    """Split a `reply_markup` into (inline keyboard, change of the reply keyboard); raises Refused.

    The change is `{"rows": rows or None, "placeholder": text}`; None leaves the keyboard as it is.
    """
    if markup is None or markup == {}:
        return None, None
    if not isinstance(markup, dict):
        raise Refused(400, "Bad Request: object expected as reply markup")
    if "inline_keyboard" in markup:
        return [[_inline_button(b) for b in row] for row in _rows(markup["inline_keyboard"])], None
    placeholder = str(markup.get("input_field_placeholder") or "")
    if "keyboard" in markup:
        rows = [[_key(b) for b in row] for row in _rows(markup["keyboard"])]
        return None, {"rows": rows, "placeholder": placeholder}
    if markup.get("remove_keyboard") is True:
        return None, {"rows": None, "placeholder": ""}
    if markup.get("force_reply") is True:
        return None, {"rows": None, "placeholder": placeholder}
    raise Refused(400, "Bad Request: can't parse reply keyboard markup JSON object")


def _rows(rows: object) -> list[list[Any]]:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise Refused(400, "Bad Request: field \"inline_keyboard\" of the InlineKeyboardMarkup should be an "
                           "Array of Arrays")
    return [row for row in rows if row]


def _inline_button(button: object) -> dict[str, Any]:
    if not isinstance(button, dict) or not button.get("text"):
        raise Refused(400, "Bad Request: inline keyboard button text must be non-empty")
    data, url = button.get("callback_data"), button.get("url")
    if data is None and url is None and not set(button) - {"text"}:
        raise Refused(400, "Bad Request: text buttons are unallowed in the inline keyboard")
    if data is not None and not 1 <= len(str(data).encode()) <= CALLBACK_DATA_BYTES:
        raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")
    if url is not None and not str(url).startswith(("http://", "https://", "tg://")):
        raise Refused(400, f"Bad Request: inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")
    return button


def _key(button: object) -> dict[str, Any]:
    if isinstance(button, str):
        button = {"text": button}
    if not isinstance(button, dict) or not button.get("text"):
        raise Refused(400, "Bad Request: keyboard button text must be non-empty")
    return button
