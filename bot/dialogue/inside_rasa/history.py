"""How much of a conversation a turn needs: the state it rests on, and the last few states of its dialogue.

Rasa replays all events of a session for each prediction and for each copy it makes of a tracker. Its policies look at
the last states, the slots and the active form only. So after each turn the events are *settled*: what was reverted is
gone, each slot keeps one value a state, and what is older than ``MOST_STATES`` is replaced by an *opening*, events
that produce the same slots and form. A test holds 200 settled turns against 200 with their full history. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rasa.shared.core.constants import ACTION_LISTEN_NAME, ACTION_SESSION_START_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    BotUttered,
    ConversationPaused,
    Event,
    SessionStarted,
    SlotSet,
    UserUttered,
)
from rasa.shared.core.trackers import DialogueStateTracker

MOST_STATES = 8
"""States of the dialogue that are kept: as far back as a policy may look (``max_history``)."""
_OF_ONE_TURN = frozenset({"turn", "result"})
"""Slots that are set anew when each turn starts."""


def opening(tracker: DialogueStateTracker, domain: Domain) -> list[Event]:
    """Events that bring an empty tracker to this one's slots, active form and readiness to listen."""
    events: list[Event] = [ActionExecuted(ACTION_SESSION_START_NAME), SessionStarted()]
    events += [
        SlotSet(slot.name, slot.value)
        for slot in tracker.slots.values()
        if slot.name not in _OF_ONE_TURN and slot.value != slot.initial_value
    ]
    loop = tracker.active_loop_name
    if loop is not None and loop in domain.form_names:
        # A form that ran before is told apart from one that runs for the first time by this pair.
        events += [ActionExecuted(loop), ActiveLoop(loop)]
        if tracker.is_active_loop_rejected:
            events.append(ActionExecutionRejected(loop))
    if tracker.is_paused():
        events.append(ConversationPaused())
    events.append(ActionExecuted(ACTION_LISTEN_NAME))
    return events


def new_session(tracker: DialogueStateTracker | None, domain: Domain) -> list[Event]:
    """The opening of a session; slots of the one before are carried over if the domain says so."""
    fresh = DialogueStateTracker("", domain.slots)
    if tracker is not None and domain.session_config.carry_over_slots:
        carried = [slot for slot in tracker.slots.values() if slot.name != "requested_slot"]
        for slot in carried:
            fresh.slots[slot.name].value = slot.value
    return opening(fresh, domain)


def settled(tracker: DialogueStateTracker, domain: Domain) -> list[Event]:
    """The events the next turn needs in place of this tracker's."""
    start: list[Event] = [ActionExecuted(ACTION_SESSION_START_NAME), SessionStarted()]
    events = _squashed(tracker.applied_events())
    states = 0
    for index in range(len(events) - 1, -1, -1):
        event = events[index]
        if not isinstance(event, ActionExecuted):
            continue
        if states >= MOST_STATES and event.action_name == ACTION_LISTEN_NAME:
            past = start + events[: index + 1]
            before = DialogueStateTracker.from_events(tracker.sender_id, past, domain.slots)
            return opening(before, domain) + events[index + 1 :]
        states += 1
    return start + events


def _squashed(events: Sequence[Event]) -> list[Event]:
    """Without what no policy sees: bot utterances, slots of one turn, and values that were replaced in one state."""
    kept: list[Event] = []
    later: set[str] = set()
    for event in reversed(events):
        if isinstance(event, (ActionExecuted, UserUttered)):
            later = set()
        elif isinstance(event, BotUttered):
            continue
        elif isinstance(event, SlotSet):
            if event.key in later or event.key in _OF_ONE_TURN:
                continue
            later.add(event.key)
        kept.append(event)
    return kept[::-1]


def load(conversation_id: str, events: Sequence[Any], domain: Domain) -> DialogueStateTracker:
    """A tracker from stored events; values of slots the domain no longer has are left out."""
    slots = {slot.name for slot in domain.slots}
    restored = [Event.from_parameters(event) for event in events]
    known = [event for event in restored if not isinstance(event, SlotSet) or event.key in slots]
    return DialogueStateTracker.from_events(conversation_id, known, domain.slots)
