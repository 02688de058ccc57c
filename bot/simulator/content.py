"""Twilio's Content API: templates, their limits, and a template filled in for one message.

https://www.twilio.com/docs/content/content-types-overview
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.simulator.ids import Ids
from bot.simulator.phones import Card
from bot.simulator.twilio_errors import TwilioError, invalid

TEMPLATE_LIMIT = 5_000
BODY_LIMIT = 1024
TEXT_LIMIT = 1600
TITLE_LIMIT = 20
ID_LIMIT = 200
SESSION_BUTTONS = 3
TEMPLATE_BUTTONS = 10
LIST_ROWS = 10
ROW_TITLE = 24
ROW_DESCRIPTION = 72

_BLANK = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
_KNOWN = {"twilio/text", "twilio/quick-reply", "twilio/list-picker"}


@dataclass(slots=True)
class Template:
    """One Content resource."""

    sid: str
    account_sid: str
    friendly_name: str
    language: str
    variables: dict[str, str]
    types: dict[str, Any]
    created: float
    approval: dict[str, Any] | None = None

    def resource(self) -> dict[str, Any]:
        """Build the JSON of the resource."""
        url = f"https://content.twilio.com/v1/Content/{self.sid}"
        when = datetime.fromtimestamp(int(self.created), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "sid": self.sid, "account_sid": self.account_sid, "friendly_name": self.friendly_name,
            "language": self.language, "variables": self.variables, "types": self.types, "url": url,
            "date_created": when, "date_updated": when,
            "links": {
                "approval_create": f"{url}/ApprovalRequests/whatsapp",
                "approval_fetch": f"{url}/ApprovalRequests",
            },
        }


class Templates:
    """The templates of all accounts, the oldest forgotten beyond a limit."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._all: OrderedDict[str, Template] = OrderedDict()

    def create(self, account_sid: str, body: object, now: float) -> Template:
        """Make a template from a request body; raises TwilioError with what is wrong."""
        if not isinstance(body, dict):
            raise invalid(20001, "Invalid request body")
        language, types = body.get("language"), body.get("types")
        if not isinstance(language, str) or not language:
            raise invalid(20001, "Invalid parameter: language is required")
        if not isinstance(types, dict) or not types:
            raise invalid(20001, "Invalid parameter: types is required")
        for name, content in types.items():
            _check(name, content)
        variables = body.get("variables") or {}
        if not isinstance(variables, dict) or not all(isinstance(v, str) for v in variables.values()):
            raise invalid(20001, "Invalid parameter: variables must map names to strings")
        template = Template(
            sid=self._ids.sid("HX"), account_sid=account_sid,
            friendly_name=str(body.get("friendly_name") or ""), language=language,
            variables=dict(variables), types=types, created=now,
        )
        self._all[template.sid] = template
        if len(self._all) > TEMPLATE_LIMIT:
            self._all.popitem(last=False)
        return template

    def get(self, account_sid: str, sid: str) -> Template:
        """Return one template of the account; raises TwilioError 404."""
        template = self._all.get(sid)
        if template is None or template.account_sid != account_sid:
            raise TwilioError(404, 20404)
        return template

    def delete(self, account_sid: str, sid: str) -> None:
        """Remove one template of the account; raises TwilioError 404."""
        del self._all[self.get(account_sid, sid).sid]

    def of_account(self, account_sid: str) -> list[Template]:
        """List the account's templates, newest first."""
        return [t for t in reversed(self._all.values()) if t.account_sid == account_sid]

    def approve(self, account_sid: str, sid: str, body: object) -> dict[str, Any]:
        """Submit for approval; this stand-in of Meta approves at once, but never a list-picker."""
        template = self.get(account_sid, sid)
        if not isinstance(body, dict) or not body.get("name") or not body.get("category"):
            raise invalid(20001, "Invalid parameter: name and category are required")
        kind = next(iter(template.types))
        approvable = "twilio/list-picker" not in template.types
        template.approval = {
            "name": str(body["name"]), "category": str(body["category"]), "content_type": kind,
            "status": "approved" if approvable else "rejected",
            "rejection_reason": "" if approvable else "list-picker cannot be approved as a template",
            "allow_category_change": bool(body.get("allow_category_change", False)),
        }
        return template.approval

    def render(self, account_sid: str, sid: str, variables: str | None, channel: str) -> Card:
        """Fill a template in for one message; raises TwilioError 21655 or 21656."""
        template = self._all.get(sid)
        if template is None or template.account_sid != account_sid:
            raise invalid(21655)
        values = template.variables | _values(variables)
        approved = template.approval is not None and template.approval["status"] == "approved"
        types: Mapping[str, Any] = _filled(template.types, values)
        if channel == "whatsapp" and "twilio/list-picker" in types:
            content = types["twilio/list-picker"]
            rows = [{"id": str(i.get("id", "")), "title": str(i["item"]),
                     "description": str(i.get("description") or "")} for i in content["items"]]
            return Card(content["body"], list_button=content["button"], rows=rows)
        if channel == "whatsapp" and "twilio/quick-reply" in types:
            content = types["twilio/quick-reply"]
            buttons = [{"id": str(a.get("id") or a["title"]), "title": str(a["title"])}
                       for a in content["actions"]]
            return Card(content["body"], buttons=buttons, template=approved)
        for name in ("twilio/text", "twilio/quick-reply", "twilio/list-picker"):
            if name in types:
                return Card(types[name]["body"], template=approved)
        raise invalid(21655, "The content has no type that this channel can show")


def problem_when_sent(card: Card) -> int | None:
    """Return the 63xxx code with which WhatsApp refuses a filled-in card, or None when it is sound."""
    buttons_allowed = TEMPLATE_BUTTONS if card.template else SESSION_BUTTONS
    body_limit = BODY_LIMIT if card.buttons or card.rows else TEXT_LIMIT
    if len(card.body) > body_limit or not card.body.strip() or len(card.buttons) > buttons_allowed:
        return 63021
    if any(not 1 <= len(b["title"]) <= TITLE_LIMIT or len(b["id"]) > ID_LIMIT for b in card.buttons):
        return 63021
    if len(card.rows) > LIST_ROWS or len({row["id"] for row in card.rows}) < len(card.rows):
        return 63021
    for row in card.rows:
        if not 1 <= len(row["title"]) <= ROW_TITLE or not 1 <= len(row["id"]) <= ID_LIMIT:
            return 63021
        if len(row["description"]) > ROW_DESCRIPTION:
            return 63021
    return None


def _values(text: str | None) -> dict[str, str]:
    if not text:
        return {}
    try:
        values = json.loads(text)
    except ValueError as error:
        raise invalid(21656) from error
    if not isinstance(values, dict) or not all(isinstance(v, str | int | float) for v in values.values()):
        raise invalid(21656)
    return {str(name): str(value) for name, value in values.items()}


def _filled(node: Any, values: Mapping[str, str]) -> Any:
    if isinstance(node, str):
        return _BLANK.sub(lambda match: values.get(match.group(1), match.group(0)), node)
    if isinstance(node, list):
        return [_filled(item, values) for item in node]
    if isinstance(node, dict):
        return {key: _filled(value, values) for key, value in node.items()}
    return node


def _check(name: str, content: object) -> None:
    if name not in _KNOWN:
        raise invalid(20001, f"Invalid parameter: this stand-in does not know the content type {name}")
    if not isinstance(content, dict) or not isinstance(content.get("body"), str) or not content["body"]:
        raise invalid(20001, f"Invalid parameter: {name}.body is required")
    limit = TEXT_LIMIT if name == "twilio/text" else BODY_LIMIT
    if len(content["body"]) > limit:
        raise invalid(20001, f"Invalid parameter: {name}.body is longer than {limit} characters")
    if name == "twilio/quick-reply":
        actions = _items(content, name, "actions", TEMPLATE_BUTTONS)
        for action in actions:
            _limited(action, name, "title", TITLE_LIMIT)
            _limited(action, name, "id", ID_LIMIT, required=False)
    elif name == "twilio/list-picker":
        _limited(content, name, "button", TITLE_LIMIT)
        for item in _items(content, name, "items", LIST_ROWS):
            _limited(item, name, "item", ROW_TITLE)
            _limited(item, name, "id", ID_LIMIT)
            _limited(item, name, "description", ROW_DESCRIPTION, required=False)


def _items(content: Mapping[str, Any], name: str, key: str, limit: int) -> list[dict[str, Any]]:
    items = content.get(key)
    if not isinstance(items, list) or not 1 <= len(items) <= limit:
        raise invalid(20001, f"Invalid parameter: {name}.{key} must hold 1 to {limit} items")
    if not all(isinstance(item, dict) for item in items):
        raise invalid(20001, f"Invalid parameter: {name}.{key} must hold objects")
    return items


def _limited(item: Mapping[str, Any], name: str, key: str, limit: int, required: bool = True) -> None:
    value = item.get(key)
    if value is None and not required:
        return
    # A blank ({{1}}) is only as long as what fills it, which is checked when the message is sent.
    if not isinstance(value, str) or (required and not value) or len(_BLANK.sub("", value)) > limit:
        raise invalid(20001, f"Invalid parameter: {name}.{key} must hold 1 to {limit} characters")
