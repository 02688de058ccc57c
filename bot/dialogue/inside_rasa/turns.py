"""A turn, whole: load, run, answer and events saved at once. The same turn id always gets the same answer."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog
from rasa.shared.core.events import Event, SlotSet
from rasa.shared.core.trackers import DialogueStateTracker

from bot.dialogue.inside_rasa import history
from bot.dialogue.inside_rasa.action_server import watched
from bot.dialogue.inside_rasa.contract import Request, TurnFailed, whole_answer
from bot.dialogue.inside_rasa.processor import TurnProcessor
from bot.dialogue.inside_rasa.replies import Replies
from bot.dialogue.inside_rasa.store import Stored, Taken, TrackerStore

PATIENCE = 7.5
"""Seconds for a whole turn; the gateway waits 8."""
COPIED = ("commune", "landmark", "name", "phone", "payment")
"""Checkout fields that a form asks for: slots hold a copy, set when a turn starts."""

log = structlog.get_logger(__name__)


class Turns:
    """Takes turns. A second request with the turn id of a running one waits for it."""

    def __init__(self, processor: TurnProcessor, store: TrackerStore, patience: float = PATIENCE) -> None:
        self._processor = processor
        self._domain = processor.domain
        self._model = str(processor.model_metadata.model_id)
        self._store = store
        self._patience = patience
        self._running: dict[tuple[str, str], asyncio.Task[str]] = {}
        self._slots = frozenset(slot.name for slot in self._domain.slots)

    async def answer(self, request: Request) -> str:
        """The turn's whole answer as JSON. Raises TurnFailed, and then nothing was saved or remembered.

        The turn runs in a task of its own: a caller who hangs up does not end it for those who wait with him.
        """
        key = (request.conversation_id, request.turn_id)
        task = self._running.get(key)
        if task is None:
            task = asyncio.create_task(self._bounded(request))
            self._running[key] = task
            task.add_done_callback(lambda _: self._running.pop(key))
        return await asyncio.shield(task)

    async def _bounded(self, request: Request) -> str:
        try:
            return await asyncio.wait_for(self._take(request), self._patience)
        except asyncio.TimeoutError as error:
            raise TurnFailed("timeout", f"not answered in {self._patience:g} s") from error

    async def _take(self, request: Request) -> str:
        stored = await self._store.load(request.conversation_id, request.turn_id)
        if stored.answer is not None:
            return stored.answer
        tracker = self._restore(request.conversation_id, stored)
        began = len(tracker.events)
        for name, value in self._given(request).items():
            tracker.update(SlotSet(name, value), self._domain)
        replies = Replies(request.channel)
        await self._run(request, tracker, replies)

        result = _result(list(tracker.events)[began:])
        answer = json.dumps(whole_answer(replies.said, result, request.context), ensure_ascii=False)
        over = bool(result and result.get("restart"))
        events = (
            history.new_session(tracker, self._domain) if over else history.settled(tracker, self._domain)
        )
        taken = Taken(request.turn_id, answer, [event.as_dict() for event in events], self._model)
        await self._store.save(request.conversation_id, stored.count, taken)
        return answer

    def _restore(self, conversation_id: str, stored: Stored) -> DialogueStateTracker:
        if stored.events is None:
            events = history.new_session(None, self._domain)
            return DialogueStateTracker.from_events(conversation_id, events, self._domain.slots)
        tracker = history.load(conversation_id, stored.events, self._domain)
        if stored.model == self._model:
            return tracker
        # Another model may not know the actions of the past: only the state they led to goes on.
        events = history.opening(tracker, self._domain)
        return DialogueStateTracker.from_events(conversation_id, events, self._domain.slots)

    def _given(self, request: Request) -> dict[str, Any]:
        """Slots that come with the turn, as far as the domain has them."""
        checkout = request.context["basket"]["checkout"]
        given = {"turn": request.turn_slot, "result": None, "language": request.context["language"]}
        given.update({name: checkout.get(name) for name in COPIED})
        return {name: value for name, value in given.items() if name in self._slots}

    async def _run(self, request: Request, tracker: DialogueStateTracker, replies: Replies) -> None:
        """Run the turn. Whatever goes wrong in Rasa or an action is a failed turn."""
        with watched() as failures:
            try:
                await self._processor.take_turn(request, tracker, replies)
            except TurnFailed:
                raise
            except Exception as error:
                if not failures:
                    # The message of an exception may quote what a shopper wrote; the places do not.
                    frames = traceback.extract_tb(error.__traceback__)[-4:]
                    where = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames]
                    log.error("turn.crashed", turn=request.turn_id, error=type(error).__name__, where=where)
                    raise TurnFailed("bug", type(error).__name__) from error
        if failures:
            raise TurnFailed("action", "; ".join(failures))


def _result(new: Sequence[Event]) -> dict[str, Any] | None:
    """What an action said about this turn. The slot itself may be an older turn's after a reverted utterance."""
    values = [event.value for event in new if isinstance(event, SlotSet) and event.key == "result"]
    return next((value for value in reversed(values) if value is not None), None)
