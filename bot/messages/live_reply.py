"""One answer in Discord: a stream of text → messages that grow while people read them, with their buttons."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self, TypeAlias

import discord

from bot.conversation.conversations import Answer, Busy
from bot.engine import ModelError
from bot.errors import UserError
from bot.messages.buttons import Action, Button
from bot.messages.pacing import Pacer
from bot.messages.pages import Page, pages
from bot.messages.permissions import MayNotWrite
from bot.messages.transient_errors import TRANSIENT_ERRORS, is_transient
from bot.observer import Observer
from bot.storage.turns import Turn
from bot.texts import (
    GOES_ON_BELOW,
    MAY_NOT_WRITE,
    NO_MODEL,
    OUT_OF_TIME,
    STOPPED_WAITING,
    THINKING,
    UNDELIVERABLE,
    UNEXPECTED,
    waits,
)

log = logging.getLogger(__name__)

_FEW_WORDS = 20  # characters with which an answer begins to show
_PATIENCE = 1.0  # seconds after which it shows with fewer
_TYPING = 9.0  # seconds that the typing indicator lasts
_PERSISTENCE = 3600.0  # seconds for which the last edit is tried again
_HEARD = 1.0  # seconds of waiting after which the asker is told of it; the typing indicator shows at once
_CALM = 10.0  # seconds after which they are told again
_BRIEF = 15.0  # seconds after which a refusal vanishes
_ARCHIVED = 50083  # Discord's code: nothing in an archived thread can be edited; a new message opens it again


class Shown(Protocol):
    """A message in Discord, however it was sent."""

    id: int

    async def edit(self, **changes: Any) -> Any:
        """Show another `content` or `view`."""

    async def delete(self) -> None:
        """Take it away."""


Send: TypeAlias = Callable[..., Awaitable[Any]]
"""Sends a message with this text and, if given, this `view`; returns it."""


@dataclass(frozen=True)
class Where:
    """Where an answer goes: `first` sends its first message, `more` each further one, `tell` a sentence of ours.

    `tell_alone` says it to the asker only, which Discord may refuse. `pace` is what Discord counts its messages by.
    `typing`: the indicator shows until there is something to read. `in_place`: an old answer stands there meanwhile.
    `then` is where it goes on when Discord takes no more messages here, which is after `seconds`, if not never.
    """

    channel: Any
    pace: int
    first: Send
    more: Send
    tell: Send
    tell_alone: Send
    typing: bool = False
    in_place: bool = False
    seconds: float | None = None
    then: Self | None = None


class Undeliverable(UserError):
    """Discord did not take a whole answer for so long that nobody waits for it any more."""

    def __init__(self) -> None:
        super().__init__(UNDELIVERABLE)


class OutOfTime(UserError):
    """The answer took longer than Discord takes messages of an interaction."""

    def __init__(self) -> None:
        super().__init__(OUT_OF_TIME)


def explain(error: BaseException) -> str:
    """The sentence for the person who asked; what is nobody's fault but ours goes to the log."""
    if isinstance(error, ModelError):
        return NO_MODEL  # where the model lies, and why it fails, is for whoever runs the bot
    if isinstance(error, UserError):
        return str(error)
    log.error("Something unexpected went wrong.", exc_info=error)
    return UNEXPECTED


class ActiveReplies:
    """The replies that are growing now, by their messages, and the pace at which they all may; see Replies."""

    def __init__(self, per_second: float, events: Observer) -> None:
        self.events = events
        self.pacer = Pacer(per_second)
        self._replies: dict[int, Reply] = {}
        self._taken_away: set[int] = set()

    def note(self, reply: "Reply", message: Shown) -> None:
        """A reply has this message."""
        self._replies[message.id] = reply

    def forget(self, reply: "Reply") -> None:
        """A reply has been shown to its end."""
        for message in [message for message, growing in self._replies.items() if growing is reply]:
            del self._replies[message]

    def stop(self, message: int) -> bool:
        """Stop the answer that a message shows; returns whether it was growing."""
        reply = self._replies.get(message)
        if reply:
            reply.stop()
        return reply is not None

    def withdraw(self, message: int) -> None:
        """Somebody has deleted a message of an answer that still grows: there is to be no such answer."""
        if reply := self._replies.get(message):
            reply.withdraw()

    async def take_away(self, message: Shown) -> None:
        """Delete a message of an old answer; one that stays, or is gone already, is no harm."""
        self._taken_away.add(message.id)
        with suppress(discord.HTTPException, *TRANSIENT_ERRORS):
            await message.delete()

    def took_away(self, message: int) -> bool:
        """Whether a deleted message was deleted by `take_away`; asked once of each."""
        taken = message in self._taken_away
        self._taken_away.discard(message)
        return taken

    async def retire(self, channel: Any, turn: Turn) -> None:
        """Take the button from under a turn that is not the newest any more."""
        if turn.answer_messages:
            with suppress(discord.HTTPException, *TRANSIENT_ERRORS):  # the message may be gone, and so is the button
                await self.pacer.slot()
                await channel.get_partial_message(turn.answer_messages[-1]).edit(view=None)


class Reply:
    """One answer in Discord. Whatever goes wrong within its `async with` block is told to the asker.

    Under the newest of its messages stands Stop while the answer grows, then `button`.
    """

    def __init__(self, growing: ActiveReplies, where: Where, asker: int, button: Button | None = None) -> None:
        self._growing = growing
        self._where = where
        self._stop = Button(Action.STOP, asker)
        self._button = button
        self._typing: asyncio.Task[None] | None = None
        self._answer: Answer | None = None
        self._grown = asyncio.Event()
        self._messages: list[Shown] = []
        self._old: list[Shown] = []  # the messages of the answer that this one replaces
        self._last = Page("", 0)  # the last page that is full: the newest message shows what follows it
        self._shown = ""  # what the newest message shows
        self._under: Button | None = None  # what stands under it
        self._wanted: Button | None = self._stop  # what should
        self._whole = False  # whether no more text comes
        self._told_at = 0.0  # when the asker was last told what the answer waits for
        self._given_up = False  # whether a person has stopped it
        self._out_of_time = False

    async def __aenter__(self) -> Self:
        if self._where.typing:
            # Not awaited: a question must take its place in the channel's order before anything else happens.
            self._typing = asyncio.create_task(self._type())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        self._stop_typing()
        if not isinstance(error, Exception):
            return False
        self._growing.events.failed(error)
        if isinstance(error, discord.NotFound):
            log.info("An answer ended early: its message or channel was deleted.")
        elif isinstance(error, MayNotWrite):
            await self._tell(self._where.tell_alone, str(error))
        elif isinstance(error, Busy):
            if refusal := await self._tell(self._where.tell, str(error)):
                await refusal.delete(delay=_BRIEF)
        elif isinstance(error, discord.Forbidden):
            log.warning("An answer could not be shown: %s", error)
            await self._tell(self._where.tell_alone, MAY_NOT_WRITE)
        else:
            await self.tell(explain(error))
        return True

    async def tell(self, sentence: str) -> None:
        """Say something of the bot's own in place of an answer, or after it."""
        if self._messages and not self._text:  # all that it shows is what the answer waits for
            await self._tell(self._instead, sentence)
        else:
            await self._tell(self._where.tell, sentence)

    async def _instead(self, text: str) -> Any:
        """Have the newest message show this, with nothing under it."""
        return await self._messages[-1].edit(content=text, view=None)

    async def _tell(self, send: Send, sentence: str) -> Any:
        try:
            await self._growing.pacer.slot()
            return await send(sentence)
        except (discord.HTTPException, *TRANSIENT_ERRORS) as error:
            log.warning("The asker could not be told: %s", error)

    def stop(self) -> None:
        """End the answer with what has been said so far."""
        self._given_up = True
        if self._answer:
            self._answer.stop()

    def withdraw(self) -> None:
        """End the answer, of which nothing is to be remembered."""
        if self._answer:
            self._answer.withdraw()

    def _run_out_of_time(self) -> None:
        self._out_of_time = True
        self._grown.set()
        if self._answer and not self._where.then:
            self._answer.stop()

    async def show(self, answer: Answer) -> list[int]:
        """Show an answer as it comes, at a pace that Discord likes; returns the ids of the messages.

        What has come by then stays when the answer ends in an error, which is raised on.
        """
        self._answer = answer
        reading = asyncio.create_task(self._read(answer))
        loop = asyncio.get_running_loop()
        clock = loop.call_later(self._where.seconds, self._run_out_of_time) if self._where.seconds else None
        self._told_at = loop.time() + _HEARD - _CALM
        try:
            await self._until(answer.begun)
            await self._make_room(answer)
            await self._until(self._grown)
            await self._wait_for_a_few_words()
            while not self._whole:
                await self._catch_up()
                await self._grown.wait()
                self._grown.clear()
            await self._catch_up()
            await self._keep_what_was_not_replaced()
            await reading
            if self._out_of_time:
                raise OutOfTime
            if self._given_up and self._messages and not self._text:
                await self.tell(STOPPED_WAITING)
        finally:
            if clock:
                clock.cancel()
            reading.cancel()
            self._growing.forget(self)
        return [message.id for message in self._messages]

    async def _read(self, answer: Answer) -> None:
        try:
            async for _ in answer:
                self._grown.set()
            self._wanted = self._button if answer.said and answer.remembered else None
        except BaseException:
            self._wanted = None
            raise
        finally:
            self._whole = True
            self._grown.set()

    async def _until(self, event: asyncio.Event) -> None:
        """Wait for it; meanwhile tell the asker, at a calm pace, what the answer waits for."""
        loop = asyncio.get_running_loop()
        while not event.is_set():
            await self._move_on_in_time()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._told_at + _CALM):
                    await event.wait()
                    return
            first, self._told_at = not self._shown, loop.time()
            sentence = self._why_it_takes_time()
            if not sentence or (self._growing.pacer.busy and not first):
                continue
            if self._where.in_place:
                await self._tell(self._where.tell_alone, sentence)
                await event.wait()
            else:
                await self._notice(sentence, event)

    def _why_it_takes_time(self) -> str | None:
        if self._answer and (waiting := self._answer.waiting):
            return waits(waiting.ahead, waiting.seconds, waiting.loading)
        return THINKING if self._answer and self._answer.thinking else None

    async def _notice(self, sentence: str, over: asyncio.Event) -> None:
        """Show what the answer waits for where the answer will be, unless that is over."""
        try:
            async with self._growing.pacer.turn(self._where.pace):
                if not over.is_set():
                    await self._put(sentence, self._stop)
        except (discord.HTTPException, *TRANSIENT_ERRORS) as error:
            if not is_transient(error):
                raise
            log.warning("Discord did not take a notice: %s", error)

    async def _move_on_in_time(self) -> None:
        """Leave a place where Discord will take no more messages for one where it does, and say so."""
        if not (self._out_of_time and self._where.then):
            return
        self._out_of_time = False
        here, self._where = self._where, self._where.then
        if self._shown:  # it was still growing, and appears anew there
            await self._tell(self._instead, GOES_ON_BELOW)
        elif not self._messages:
            await self._tell(here.first, GOES_ON_BELOW)
        self._shown, self._under = "", None

    async def _make_room(self, answer: Answer) -> None:
        """Take the button from under the answer before, or offer Stop under the one that is replaced."""
        if answer.previous:
            await self._growing.retire(self._where.channel, answer.previous)
        if answer.replaces:
            self._old = [self._where.channel.get_partial_message(old) for old in answer.replaces.answer_messages]
            await self._old[-1].edit(view=self._stop.view())
            self._growing.note(self, self._old[-1])

    async def _keep_what_was_not_replaced(self) -> None:
        if self._old:
            await self._old[-1].edit(view=self._button and self._button.view())

    async def _wait_for_a_few_words(self) -> None:
        """An answer that began with half a word would look odd."""
        await self._grown.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while len(self._text) < _FEW_WORDS and not self._whole:
                    self._grown.clear()
                    await self._grown.wait()

    @property
    def _text(self) -> str:
        return self._answer.text if self._answer else ""

    async def _catch_up(self) -> None:
        """Show what has come by now, and the button under it; while this waits for its turn, more may come.

        What Discord fails to take is left to the next edit; the last is tried again until Discord is back.
        """
        give_up_at = asyncio.get_running_loop().time() + _PERSISTENCE
        while True:
            await self._move_on_in_time()
            if not self._behind():
                return
            try:
                async with self._growing.pacer.turn(self._where.pace):
                    page, *more = self._pages()
                    await self._put(page.content.strip(), None if more else self._wanted)
                if more:
                    self._last, self._shown, self._under = page, "", None
            except (discord.HTTPException, *TRANSIENT_ERRORS) as error:
                if not is_transient(error):
                    raise
                log.warning("Discord did not take a part of an answer: %s", error)
                if not self._whole:
                    return
                if asyncio.get_running_loop().time() > give_up_at:
                    log.error("An answer could not be delivered: Discord was out of reach for too long.")
                    raise Undeliverable from error

    def _behind(self) -> bool:
        page, *more = self._pages()
        text = page.content.strip()
        return bool(more) or (text != "" and (text, self._wanted) != (self._shown, self._under))

    def _pages(self) -> list[Page]:
        return list(pages(self._text, self._last.end, self._last.fence))

    async def _put(self, text: str, button: Button | None) -> None:
        if not text:
            return  # Discord refuses a message of nothing
        if self._shown:
            await self._edit(text, button)
        else:
            await self._send(text, button)
        self._shown, self._under = text, button

    async def _edit(self, text: str, button: Button | None) -> None:
        changes: dict[str, Any] = {"content": text} if text != self._shown else {}
        if button != self._under:
            changes["view"] = button and button.view()
        try:
            await self._messages[-1].edit(**changes)
        except discord.HTTPException as refused:
            if refused.code != _ARCHIVED:
                raise
            archived = self._messages.pop()
            await self._send(text, button)
            await self._growing.take_away(archived)

    async def _send(self, text: str, button: Button | None) -> None:
        self._stop_typing()
        view = {"view": button.view()} if button else {}
        if self._old:
            message, *others = self._old
            await message.edit(content=text, view=button and button.view())
            self._old = []
            for other in others:
                await self._growing.take_away(other)
        else:
            message = await (self._where.more if self._messages else self._where.first)(text, **view)
        self._messages.append(message)
        self._growing.note(self, message)

    def _stop_typing(self) -> None:
        if self._typing:
            self._typing.cancel()

    async def _type(self) -> None:
        """Show the typing indicator until cancelled, except while the bot is too busy for it."""
        with suppress(Exception):  # an answer without the indicator is still an answer
            while True:
                if not self._growing.pacer.busy:
                    await self._growing.pacer.slot()
                    await self._where.channel.typing()
                await asyncio.sleep(_TYPING)
