"""One answer as an example for training, and the row that it is stored as."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.storage.channel_ref import ChannelRef
from bot.storage.turns import Turn, dump_people, load_people

COLUMNS = (
    *("id", "channel", "parent", "guild"),
    *("system", "turns", "model", "digest", "sampling", "votes"),
    *("correction", "corrector", "reviewed", "review_message", "people", "messages"),
)


@dataclass(frozen=True)
class Example:
    """One answer, with all that the model was given for it and what people think of it.

    `turns` are the earlier ones that the model read, oldest first, and last the one that was answered. `digest` names
    the model's weights; it is empty where a server holds them. `votes` says of each voter whether they liked the
    answer. `corrector` wrote the `correction`. `reviewed`: a moderator has approved of the answer, or corrected it.
    `review_message` shows it in the review channel. `id` is the store's; it is 0 until the example is stored.
    """

    system: str
    turns: tuple[Turn, ...]
    model: str
    digest: str
    sampling: Mapping[str, float | None]
    votes: Mapping[int, bool] = field(default_factory=dict)
    correction: str | None = None
    corrector: int | None = None
    reviewed: bool = False
    review_message: int | None = None
    id: int = field(default=0, compare=False)

    @property
    def turn(self) -> Turn:
        """The turn that was answered."""
        return self.turns[-1]

    @property
    def people(self) -> set[int]:
        """The ids of all who have written or voted."""
        written = {author for turn in self.turns for author in turn.authors or ()}
        return written | self.votes.keys() | ({self.corrector} if self.corrector else set())

    @property
    def messages(self) -> set[int]:
        """The ids of the Discord messages that any of it stands in."""
        return {message for turn in self.turns for message in turn.messages}

    def shown_in(self, channel: int, message: int) -> bool:
        """Whether a message shows the answer."""
        return self.turn.channel.channel == channel and message in self.turn.answer_messages

    def without(self, condition: Callable[[Turn], bool]) -> "Example | None":
        """The example without the turns that meet a condition; None if the one that was answered does."""
        if condition(self.turn):
            return None
        return replace(self, turns=tuple(turn for turn in self.turns if not condition(turn)))


def dump(example: Example) -> tuple[Any, ...]:
    """The values of COLUMNS."""
    channel = example.turn.channel
    return (
        example.id or None,
        channel.channel,
        channel.parent,
        channel.guild,
        example.system,
        json.dumps([_dump_turn(turn) for turn in example.turns], ensure_ascii=False),
        example.model,
        example.digest,
        json.dumps(dict(example.sampling)),
        json.dumps(dict(example.votes)),
        example.correction,
        example.corrector,
        example.reviewed,
        example.review_message,
        json.dumps(sorted(example.people)),
        json.dumps(sorted(example.messages)),
    )


def load(row: Any) -> Example:
    """The example whose values of COLUMNS these are."""
    number, channel, parent, guild, system, turns, model, digest, sampling, votes, *rest = row
    correction, corrector, reviewed, review_message, _, _ = rest
    return Example(
        system,
        tuple(_load_turn(ChannelRef(channel, parent, guild), values) for values in json.loads(turns)),
        model,
        digest,
        json.loads(sampling),
        {int(voter): liked for voter, liked in json.loads(votes).items()},
        correction,
        corrector,
        bool(reviewed),
        review_message,
        number,
    )


def _dump_turn(turn: Turn) -> list[Any]:
    return [
        *(turn.asker, turn.asker_name, turn.question, turn.answer, turn.at.isoformat()),
        *(turn.question_message, turn.answer_messages, dump_people(turn.people)),
    ]


def _load_turn(channel: ChannelRef, values: list[Any]) -> Turn:
    asker, name, question, answer, at, message, answer_messages, people = values
    moment = datetime.fromisoformat(at)
    return Turn(channel, asker, name, question, answer, moment, message, tuple(answer_messages), load_people(people))
