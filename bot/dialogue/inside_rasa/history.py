"""How much of a conversation a turn needs: the state it rests on, and its last few turns.

Rasa replays all events of a session for each prediction and for each copy it makes of a tracker. Rules look at the
last turns, the slots, the active form and the previous action only; so what is older than ``KEEP_TURNS`` is replaced
by an *opening*: events that produce the same state. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rasa.shared.core.constants import ACTION_LISTEN_NAME, ACTION_SESSION_START_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    ConversationPaused,
    Event,
    SessionStarted,
    SlotSet,
)
from rasa.shared.core.trackers import DialogueStateTracker

KEEP_TURNS = 3
"""Turns kept as they were. A turn has at least two states, so policies may look ``MOST_STATES`` back."""
MOST_STATES = 2 * KEEP_TURNS
_OF_ONE_TURN = frozenset({"turn", "result"})
"""Slots that are set anew when each turn starts."""


@dataclass(frozen=True)
class Cut:
    """Where to cut: ``opening`` (None: as it was) stands for everything before the rest of the tail."""

    opening: list[Event] | None
    drop: int
    """Events of the tail, counted from its head, that the opening now stands for."""


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


def cut(tracker: DialogueStateTracker, opened: int, domain: Domain) -> Cut:
    """Shorten a tracker whose first ``opened`` events are its opening to its last ``KEEP_TURNS`` turns."""
    events = list(tracker.events)
    ends = [
        index + 1
        for index, event in enumerate(events)
        if index >= opened and isinstance(event, ActionExecuted) and event.action_name == ACTION_LISTEN_NAME
    ]
    if len(ends) <= KEEP_TURNS:
        return Cut(None, 0)
    split = ends[-KEEP_TURNS - 1]
    before = DialogueStateTracker.from_events(tracker.sender_id, events[:split], domain.slots)
    return Cut(opening(before, domain), split - opened)


def load(conversation_id: str, events: Sequence[Any], domain: Domain) -> DialogueStateTracker:
    """A tracker from stored events; values of slots the domain no longer has are left out."""
    slots = {slot.name for slot in domain.slots}
    restored = [Event.from_parameters(event) for event in events]
    known = [event for event in restored if not isinstance(event, SlotSet) or event.key in slots]
    return DialogueStateTracker.from_events(conversation_id, known, domain.slots)
