"""Rasa's message processor, made to fail aloud.

Rasa 3.6.21 logs an action that raises and goes on (``processor.py:993``), ends a turn quietly after ten actions, and
keeps reminders in memory only. Here each of these ends the turn. It loads and saves nothing: a turn gets its tracker.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rasa.core.actions.action import Action, ActionExecutionRejection
from rasa.core.channels.channel import UserMessage
from rasa.core.lock_store import InMemoryLockStore
from rasa.core.nlg import NaturalLanguageGenerator
from rasa.core.policies.policy import PolicyPrediction
from rasa.core.processor import MessageProcessor
from rasa.core.tracker_store import InMemoryTrackerStore
from rasa.exceptions import ActionLimitReached
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecutionRejected, ReminderScheduled, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.data import TrainingType

from bot.dialogue.inside_rasa.action_server import ActionServer, check_answers_quickly
from bot.dialogue.inside_rasa.contract import Request, TurnFailed
from bot.dialogue.inside_rasa.history import MOST_STATES
from bot.dialogue.inside_rasa.replies import Replies, Responses
from bot.dialogue.inside_rasa.understanding import FALLBACK, parse_data, picked, plain


class UnfitModel(Exception):
    """The model cannot be served here; the message says why."""


class TurnProcessor(MessageProcessor):  # type: ignore[misc]
    """Runs one turn on a tracker. Raises TurnFailed, or what an action raised, when the turn is not whole."""

    def __init__(self, model: Path, actions: ActionServer) -> None:
        # The parent insists on stores and on a generator; the first two are never used, the third needs the domain.
        super().__init__(
            model,
            InMemoryTrackerStore(Domain.empty()),
            InMemoryLockStore(),
            Responses({}),
            action_endpoint=actions,
        )
        if self.model_metadata.training_type is TrainingType.NLU:
            raise UnfitModel("the model holds no dialogue, only understanding")
        _check_memory(self.model_metadata.predict_schema.nodes)
        self.nlg = Responses(self.domain.responses)
        self.intents = frozenset(self.domain.intents)
        check_answers_quickly()
        actions.knows(self.domain.as_dict())

    async def take_turn(self, request: Request, tracker: DialogueStateTracker, replies: Replies) -> None:
        """Understand the message and run actions until Rasa listens again."""
        words = plain(request.text)
        parsed = await self._understand(request, words, tracker)
        tracker.update(
            UserUttered(
                words or str(parsed["text"]),
                parsed["intent"],
                parsed["entities"],
                parsed,
                input_channel=request.channel,
                message_id=request.turn_id,
            ),
            self.domain,
        )
        tracker = await self.run_action_extract_slots(replies, tracker)
        await self._run_prediction_loop(replies, tracker)

    async def _understand(
        self, request: Request, words: str, tracker: DialogueStateTracker
    ) -> dict[str, Any]:
        if request.choice:
            intent, entities = picked(request.choice, self.intents)
            return parse_data(words or request.choice, intent, entities)
        if not words:
            return parse_data(request.text, FALLBACK, [])
        message = UserMessage(words, sender_id=request.conversation_id, input_channel=request.channel)
        parsed: dict[str, Any] = await self.parse_message(message, tracker)
        return parsed

    async def _run_prediction_loop(self, output_channel: Replies, tracker: DialogueStateTracker) -> None:
        """Run actions until one of them listens. Raises TurnFailed at Rasa's limit of actions."""
        go_on = True
        while go_on and self._should_handle_message(tracker):
            try:
                action, prediction = self.predict_next_with_tracker_if_should(tracker)
            except ActionLimitReached as error:
                raise TurnFailed("limit", f"{self.max_number_of_predictions} actions and no end") from error
            if prediction.is_end_to_end_prediction:
                tracker = await self.run_action_extract_slots(output_channel, tracker)
            go_on = await self._run_action(action, tracker, output_channel, self.nlg, prediction)

    async def _run_action(
        self,
        action: Action,
        tracker: DialogueStateTracker,
        output_channel: Replies,
        nlg: NaturalLanguageGenerator,
        prediction: PolicyPrediction,
    ) -> bool:
        """Run one action as Rasa does, but let what it raises through. A form may still decline to run."""
        trial = tracker.copy()
        trial.update_with_events(prediction.events, self.domain)
        try:
            events = await action.run(output_channel, nlg, trial, self.domain)
        except ActionExecutionRejection:
            tracker.update(
                ActionExecutionRejected(action.name(), prediction.policy_name, prediction.max_confidence)
            )
            return bool(self.should_predict_another_action(action.name()))
        if any(isinstance(event, ReminderScheduled) for event in events or ()):
            raise TurnFailed(
                "action", f"{action.name()} schedules a reminder, which Rasa keeps in memory only"
            )
        self._log_action_on_tracker(tracker, action, events, prediction)
        if any(isinstance(event, UserUttered) for event in events or ()):
            tracker = await self.run_action_extract_slots(output_channel, tracker)
        await self._send_bot_messages(events or [], tracker, output_channel)
        return bool(self.should_predict_another_action(action.name()))


def _check_memory(nodes: dict[str, Any]) -> None:
    """Refuse a policy that looks further back than what is kept. Rules look at one turn by themselves."""
    for node in nodes.values():
        name = node.uses.__name__
        if not name.endswith("Policy") or name == "RulePolicy":
            continue
        states = {**node.uses.get_default_config(), **node.config}.get("max_history")
        if states is None or states > MOST_STATES:
            raise UnfitModel(f"{name} needs max_history of at most {MOST_STATES} in config.yml, not {states}")
