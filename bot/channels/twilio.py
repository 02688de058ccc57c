"""Twilio's REST API for one account: send, look up, list, probe. Every call ends within ``timeout``.

It decides nothing: an answer becomes an ``Outcome``. Its codes are classified by ``twilio_codes``.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped]
from twilio.http import AsyncHttpClient  # type: ignore[import-untyped]
from twilio.http.response import Response  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

# The SDK would import these hundred modules (a second) at the first send, inside the loop.
from twilio.rest.api import Api  # type: ignore[import-untyped]

from bot.channels.accounts import TwilioAccount
from bot.channels.twilio_codes import classify
from bot.channels.twilio_webhooks import status_of
from bot.core.failures import Accepted, Certainty, Failure, Outcome, Refused, Retry, Scope, Unsure
from bot.core.messages import MessageId, Reported
from bot.ports import Unavailable

_logger = logging.getLogger("twilio")

CONTENT_URL = "https://content.twilio.com"
TIMEOUT = 5.0
PAGE_SIZE = 200
SEARCH_SIZE = 20
SEARCH_SECONDS = 900.0
"""How old a record may be to count as the message whose answer was lost."""
LEAST_MATCH = 20
"""Characters a partly equal text must have to be taken for the same message."""


class _Http(AsyncHttpClient):  # type: ignore[misc]
    """The transport under the official client.

    The SDK's own ignores its time-out (twilio-python #925), sends JSON as a form, uses what aiohttp deprecates,
    and does not tell whether a request left this machine, which decides between refused and unsure.
    """

    def __init__(self) -> None:
        super().__init__(_logger, True, None)
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(_note_departure)
        self.session = aiohttp.ClientSession(trace_configs=[trace])

    async def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """One request, one answer; redirects are not followed, because a POST would lose its body."""
        sent_headers = dict(headers or {})
        if auth is not None:
            sent_headers["Authorization"] = "Basic " + base64.b64encode(":".join(auth).encode()).decode()
        body = {"json": data} if sent_headers.get("Content-Type") == "application/json" else {"data": data}
        async with self.session.request(
            method, url, params=params, headers=sent_headers, allow_redirects=False, **body
        ) as answer:
            return Response(answer.status, await answer.text(), answer.headers)

    async def close(self) -> None:
        """Close the session."""
        await self.session.close()


class _Departure:
    """Whether a request left this machine."""

    def __init__(self) -> None:
        self.left = False


_departure: ContextVar[_Departure | None] = ContextVar("twilio_departure", default=None)


async def _note_departure(*_: object) -> None:
    departure = _departure.get()
    if departure is not None:
        departure.left = True


class TwilioApi:
    """One account's client. ``api_url`` replaces api. and content.twilio.com; ``now`` is the wall clock."""

    def __init__(
        self,
        account: TwilioAccount,
        *,
        api_url: str | None = None,
        timeout: float = TIMEOUT,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.account = account
        self.timeout = timeout
        self.now = now
        self._api_url = api_url
        self._http: _Http | None = None
        self._client: Any = None

    @property
    def client(self) -> Any:
        """The official client; made at first use, because its session belongs to the running loop."""
        if self._client is None:
            self._http = _Http()
            self._client = Client(
                self.account.account_sid, self.account.auth_tokens[0], http_client=self._http
            )
            api: Api = self._client.api
            if self._api_url is not None:
                api.base_url = self._api_url
        return self._client

    async def close(self) -> None:
        """Close the session; the next call opens another."""
        http, self._http, self._client = self._http, None, None
        if http is not None:
            await http.close()

    async def send(self, fields: Mapping[str, Any], timeout: float | None = None) -> Outcome:
        """``POST Messages.json`` once, without a retry of its own."""
        done = await self._call(lambda: self.client.messages.create_async(**fields), timeout)
        return done if isinstance(done, Refused | Unsure) else Accepted(str(done.sid))

    async def create_content(self, request: Mapping[str, Any], timeout: float) -> str | Refused | Unsure:
        """``POST /v1/Content``; the sid of the new template.

        Posted by hand: ``contents.create_async`` of twilio 9.13.0 names every other type as null.
        """
        url = f"{(self._api_url or CONTENT_URL).rstrip('/')}/v1/Content"
        done = await self._call(
            lambda: self.client.request_async(
                "POST", url, data=dict(request), headers={"Content-Type": "application/json"}
            ),
            timeout,
        )
        if isinstance(done, Refused | Unsure):
            return done
        try:
            answer = json.loads(done.text)
            if done.status_code == 201:
                return str(answer["sid"])
            return Refused(classify(str(answer.get("code") or done.status_code), done.status_code))
        except (ValueError, LookupError, TypeError, AttributeError):
            return Unsure("unreadable answer")

    async def look_up(self, sid: str, message_id: MessageId) -> Reported | None:
        """What Twilio's record of one message says now; None when it does not answer."""
        done = await self._call(lambda: self.client.messages(sid).fetch_async())
        return None if isinstance(done, Refused | Unsure) else self._reported(done, message_id)

    async def search(self, to: str, text: str, message_id: MessageId) -> Reported | None:
        """Find a message of the last minutes by recipient and text: for a send whose answer was lost."""
        sender = self.sender_like(to)
        done = await self._call(
            lambda: self.client.messages.page_async(to=to, from_=sender, page_size=SEARCH_SIZE)
        )
        if isinstance(done, Refused | Unsure):
            return None
        oldest = self.now() - SEARCH_SECONDS
        for record in done:
            created = record.date_created
            if created is not None and created.timestamp() >= oldest and _same_text(record.body or "", text):
                return self._reported(record, message_id)
        return None

    async def list_inbound(self, since: float, to: str) -> list[Mapping[str, str]]:
        """Inbound messages to ``to`` from ``since`` on, oldest first, as forms with ``DateSent`` beside them.

        Twilio's date filter counts whole days and lists the newest first. Raises Unavailable.
        """
        day = datetime.fromtimestamp(since, UTC).date() - timedelta(days=1)
        page = await self._page(lambda: self.client.messages.page_async(
            to=to, date_sent_after=day.isoformat(), page_size=PAGE_SIZE
        ))
        found: list[Mapping[str, str]] = []
        while page is not None:
            records = list(page)
            sent = [record.date_sent for record in records if record.date_sent is not None]
            found += [_as_form(r) for r in records if r.direction == "inbound" and _since(r.date_sent, since)]
            if not page.next_page_url or (sent and max(sent).timestamp() < since):
                break
            page = await self._page(page.next_page_async)
        return found[::-1]

    async def probe(self) -> bool:
        """Does the API answer for this account? That alone never means that messages arrive."""
        done = await self._call(lambda: self.client.api.accounts(self.account.account_sid).fetch_async())
        # A refused token is the account's trouble, not everybody's: the API has answered.
        return not isinstance(done, Unsure) and not (
            isinstance(done, Refused) and done.failure.scope is Scope.CHANNEL
        )

    def sender_like(self, to: str) -> str:
        """Our address in the form that goes with a recipient's."""
        prefix = "whatsapp:" if to.startswith("whatsapp:") else ""
        return prefix + self.account.bare_address

    def _reported(self, record: Any, message_id: MessageId) -> Reported:
        code = str(record.error_code) if record.error_code else None
        return Reported(
            id=f"lookup:{record.sid}:{record.status}",
            message_id=message_id,
            provider_id=str(record.sid),
            status=status_of(str(record.status)),
            at=self.now(),
            error_code=code,
            raw_status=str(record.status),
        )

    async def _page(self, call: Callable[[], Awaitable[Any]]) -> Any:
        done = await self._call(call)
        if isinstance(done, Refused | Unsure):
            raise Unavailable("Twilio's list of messages")
        return done

    async def _call(self, call: Callable[[], Awaitable[Any]], timeout: float | None = None) -> Any:
        """The call's result, or Refused or Unsure."""
        departure = _Departure()
        token = _departure.set(departure)
        try:
            async with asyncio.timeout(self.timeout if timeout is None else timeout):
                return await call()
        except TwilioException as error:
            return _refusal(error)
        except aiohttp.ClientConnectorError as error:
            return _unreachable(type(error).__name__)
        except TimeoutError:
            return Unsure("no answer in time") if departure.left else _unreachable("connect time-out")
        except (aiohttp.ClientError, OSError) as error:
            return Unsure(f"connection broke: {type(error).__name__}") if departure.left else _unreachable(
                type(error).__name__
            )
        except (ValueError, LookupError, TypeError):
            # A 2xx whose body is not the JSON it should be.
            return Unsure("unreadable answer")
        finally:
            _departure.reset(token)


def _refusal(error: TwilioException) -> Refused | Unsure:
    status = getattr(error, "status", None)
    code = getattr(error, "code", None)
    if status is None:
        return Unsure("unreadable answer")
    return Refused(classify(str(code or status), status))


def _unreachable(note: str) -> Refused:
    return Refused(Failure(Scope.CHANNEL, Retry.OTHER_ROAD, Certainty.NOT_DELIVERED, "unreachable", note))


def _same_text(record: str, text: str) -> bool:
    """Equal, or one is a substantial piece of the other: a long text goes in several messages."""
    record, text = record.strip(), text.strip()
    long_enough = min(len(record), len(text)) >= LEAST_MATCH
    return record == text or (long_enough and (record in text or text in record))


def _since(sent: datetime | None, since: float) -> bool:
    # Twilio writes whole seconds.
    return sent is not None and sent.timestamp() >= int(since)


def _as_form(record: Any) -> Mapping[str, str]:
    return {
        "MessageSid": str(record.sid),
        "AccountSid": str(record.account_sid),
        "From": str(record.from_ or ""),
        "To": str(record.to or ""),
        "Body": str(record.body or ""),
        "NumMedia": str(record.num_media or "0"),
        "DateSent": str(record.date_sent.timestamp()),
    }
