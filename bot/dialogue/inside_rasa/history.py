"""How much of a conversation a turn needs: the state it rests on, and the last few states of its dialogue.

Rasa replays all events of a session for each prediction and for each copy it makes of a tracker. Its policies look at
the last states, the slots and the active form only. So after each turn the events are *settled*: what was reverted is
gone, each slot keeps one value a state, and what is older than ``MOST_STATES`` is replaced by an *opening*, events
that produce the same slots and form. A test holds 200 settled turns against 200 with their full history. Pure.
"""

from __future__ import annotations

import functools
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
RULE_TURNS = 2
"""Latest turns that rules took and that are kept: a rule looks at one turn and at the action before it."""
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
    events = _squashed(_without_hidden_turns(tracker.applied_events(), tracker.active_loop_name))
    seen = 0
    for index in range(len(events) - 1, -1, -1):
        event = events[index]
        if not isinstance(event, ActionExecuted):
            continue
        if seen >= MOST_STATES and event.action_name == ACTION_LISTEN_NAME:
            past = start + events[: index + 1]
            before = DialogueStateTracker.from_events(tracker.sender_id, past, domain.slots)
            return opening(before, domain) + events[index + 1 :]
        seen += not event.hide_rule_turn
    return start + events


def _without_hidden_turns(events: Sequence[Event], active_loop: str | None) -> list[Event]:
    """Leave out turns that only rules took: other policies do not see them, and rules see no further than one turn.

    The slots and forms they changed stay, and so does the last run of an active form: by it Rasa tells a form that
    goes on from one that begins.
    """
    turns = _turns(events)
    last_run = max(
        (number for number, turn in enumerate(turns) if _runs(turn, active_loop)), default=len(turns)
    )
    kept: list[Event] = []
    for number, turn in enumerate(turns):
        recent = number >= min(last_run, len(turns) - RULE_TURNS)
        if recent or not all(event.hide_rule_turn for event in turn if isinstance(event, ActionExecuted)):
            kept += turn
        else:
            kept += [event for event in turn if isinstance(event, (SlotSet, ActiveLoop))]
    return kept


def _turns(events: Sequence[Event]) -> list[list[Event]]:
    """Events up to and with each ``action_listen``; what follows the last one is a turn as well."""
    turns: list[list[Event]] = [[]]
    for event in events:
        turns[-1].append(event)
        if isinstance(event, ActionExecuted) and event.action_name == ACTION_LISTEN_NAME:
            turns.append([])
    return turns if turns[-1] else turns[:-1]


def _runs(turn: Sequence[Event], loop: str | None) -> bool:
    return any(isinstance(event, ActionExecuted) and event.action_name == loop for event in turn if loop)


def _squashed(events: Sequence[Event]) -> list[Event]:
    """Without what no policy sees: bot utterances, slots of one turn, and values that were replaced in one state."""
    kept: list[Event] = []
    later: set[str] = set()
    for event in reversed(events):
        if isinstance(event, (ActionExecuted, UserUttered)):
            later = set()
        elif isinstance(event, BotUttered):
            continue
        elif isinstance(event, (SlotSet, ActiveLoop)):
            key = f"slot {event.key}" if isinstance(event, SlotSet) else "loop"
            if key in later or (isinstance(event, SlotSet) and event.key in _OF_ONE_TURN):
                continue
            later.add(key)
        kept.append(event)
    return kept[::-1]


def load(conversation_id: str, events: Sequence[Any], domain: Domain) -> DialogueStateTracker:
    """A tracker from stored events; values of slots the domain no longer has are left out."""
    slots = {slot.name for slot in domain.slots}
    restored = [_kind(event["event"])._from_parameters(event) for event in events]
    known = [event for event in restored if not isinstance(event, SlotSet) or event.key in slots]
    return DialogueStateTracker.from_events(conversation_id, known, domain.slots)


@functools.cache
def _kind(name: str) -> Any:
    """The class of a kind of event. ``Event.from_parameters`` searches all subclasses for each event: 3 ms a turn."""
    return Event.resolve_by_type(name)
