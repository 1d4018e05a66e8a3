"""A stream of text → Discord messages that grow while people read them, with their buttons."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self, TypeAlias

import aiohttp
import discord

from bot.buttons import Action, Button
from bot.conversation import Answer
from bot.engine import ModelError
from bot.errors import UserError
from bot.history import Turn
from bot.pacing import Pacer
from bot.paging import Page, pages
from bot.wording import NO_MODEL, OUT_OF_TIME, UNEXPECTED

log = logging.getLogger(__name__)

_FEW_WORDS = 20  # characters with which an answer begins to show
_PATIENCE = 1.0  # seconds after which it shows with fewer
_TYPING = 9.0  # seconds that the typing indicator lasts
_TRIES = 6  # times that the last edit is tried, over about a minute
_TOKEN_LIFE = 14 * 60.0  # seconds; Discord takes an interaction's messages for 15 minutes
_NO_HISTORY = 160002  # Discord's code: a reply needs the permission to read the message history

PASSING = (discord.DiscordServerError, aiohttp.ClientError, OSError, TimeoutError)
"""Troubles of Discord's or the network's that may be over the next time; discord.py repeats only some of them."""


class Shown(Protocol):
    """A message in Discord, however it was sent."""

    id: int

    async def edit(self, **changes: Any) -> Any:
        """Show another `content` or `view`."""


Send: TypeAlias = Callable[..., Awaitable[Any]]
"""Sends a message with this text and, if given, this `view`; returns it."""


@dataclass(frozen=True)
class Where:
    """Where an answer goes: `first` sends its first message, `more` each further one, `tell` a sentence of ours.

    `pace` is what Discord counts its messages by. `typing`: the indicator shows until there is something to read.
    `seconds`: how long Discord takes them, if not for ever.
    """

    channel: Any
    pace: int
    first: Send
    more: Send
    tell: Send
    typing: bool = False
    seconds: float | None = None


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


class Reply:
    """One answer in Discord. Whatever goes wrong within its `async with` block is told to the asker.

    Under the newest of its messages stands Stop while the answer grows, then `button`.
    """

    def __init__(self, replies: "Replies", where: Where, asker: int, button: Button | None = None) -> None:
        self._replies = replies
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
        if isinstance(error, discord.NotFound):
            log.info("An answer ended early: its message or channel was deleted.")
        elif isinstance(error, discord.Forbidden):
            log.warning("An answer could not be shown: %s", error)
        else:
            await self.tell(explain(error))
        return True

    async def tell(self, sentence: str) -> None:
        """Say something of the bot's own in place of an answer, or after it."""
        try:
            await self._where.tell(sentence)
        except (discord.HTTPException, *PASSING) as error:
            log.warning("The asker could not be told: %s", error)

    def stop(self) -> None:
        """End the answer with what has been said so far."""
        if self._answer:
            self._answer.stop()

    def _run_out_of_time(self) -> None:
        self._out_of_time = True
        self.stop()

    async def show(self, answer: Answer) -> list[int]:
        """Show an answer as it comes, at a pace that Discord likes; returns the ids of the messages.

        What has come by then stays when the answer ends in an error, which is raised on.
        """
        self._answer = answer
        reading = asyncio.create_task(self._read(answer))
        loop = asyncio.get_running_loop()
        clock = loop.call_later(self._where.seconds, self._run_out_of_time) if self._where.seconds else None
        try:
            await self._make_room(answer)
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
        finally:
            if clock:
                clock.cancel()
            reading.cancel()
            self._replies.ended(self)
        return [message.id for message in self._messages]

    async def _read(self, answer: Answer) -> None:
        try:
            async for _ in answer:
                self._grown.set()
            self._wanted = self._button
        except BaseException:
            self._wanted = None
            raise
        finally:
            self._whole = True
            self._grown.set()

    async def _make_room(self, answer: Answer) -> None:
        """Take the button from under the answer before, or offer Stop under the one that is replaced."""
        if answer.previous:
            await self._replies.retire(self._where.channel, answer.previous)
        if answer.replaces:
            self._old = [self._where.channel.get_partial_message(old) for old in answer.replaces.answer_messages]
            await self._old[-1].edit(view=self._stop.view())
            self._replies.growing(self, self._old[-1])

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

        What Discord fails to take is left to the next edit; only the last is tried again, a few times.
        """
        failures = 0
        while self._behind():
            try:
                async with self._replies.pacer.turn(self._where.pace):
                    page, *more = self._pages()
                    await self._put(page.content.strip(), None if more else self._wanted)
                if more:
                    self._last, self._shown, self._under = page, "", None
            except PASSING as error:
                failures += 1
                log.warning("Discord did not take a part of an answer: %s", error)
                if not self._whole or failures == _TRIES:
                    return

    def _behind(self) -> bool:
        page, *more = self._pages()
        text = page.content.strip()
        return bool(more) or text not in ("", self._shown) or bool(self._shown and self._wanted != self._under)

    def _pages(self) -> list[Page]:
        return list(pages(self._text, self._last.end, self._last.fence))

    async def _put(self, text: str, button: Button | None) -> None:
        if not text:
            return  # Discord refuses a message of nothing
        if self._shown:
            changes: dict[str, Any] = {"content": text} if text != self._shown else {}
            if button != self._under:
                changes["view"] = button and button.view()
            await self._messages[-1].edit(**changes)
        else:
            await self._send(text, button)
        self._shown, self._under = text, button

    async def _send(self, text: str, button: Button | None) -> None:
        self._stop_typing()
        view = {"view": button.view()} if button else {}
        if self._old:
            message, *others = self._old
            self._old = []
            await message.edit(content=text, view=button and button.view())
            for other in others:
                await self._where.channel.get_partial_message(other.id).delete()
        else:
            message = await (self._where.more if self._messages else self._where.first)(text, **view)
        self._messages.append(message)
        self._replies.growing(self, message)

    def _stop_typing(self) -> None:
        if self._typing:
            self._typing.cancel()

    async def _type(self) -> None:
        """Show the typing indicator until cancelled, except while the bot is too busy for it."""
        with suppress(Exception):  # an answer without the indicator is still an answer
            while True:
                if not self._replies.pacer.busy:
                    await self._replies.pacer.slot()
                    await self._where.channel.typing()
                await asyncio.sleep(_TYPING)


class Replies:
    """Makes the bot's replies, and knows those that are growing."""

    def __init__(self) -> None:
        self.pacer = Pacer()
        self._growing: dict[int, Reply] = {}  # by message

    def to(self, message: discord.Message) -> Reply:
        """An answer to somebody's message, as a reply to it, even when it has been deleted meanwhile."""
        reference = message.to_reference(fail_if_not_exists=False)

        channel = message.channel
        sent = 0

        async def more(text: str, **options: Any) -> Any:
            # With a nonce, a message that is sent again, as Discord's answer was lost, does not appear twice.
            nonlocal sent
            shown = await channel.send(text, nonce=f"{message.id}-{sent}", **options)
            sent += 1
            return shown

        async def first(text: str, **view: Any) -> Any:
            try:
                return await more(text, reference=reference, **view)
            except discord.HTTPException as refused:
                if refused.code != _NO_HISTORY:
                    raise
                return await more(text, **view)

        where = Where(channel, channel.id, first, more, tell=first, typing=True)
        return Reply(self, where, message.author.id, Button(Action.REGENERATE, message.author.id))

    def to_command(self, interaction: discord.Interaction, *, private: bool) -> Reply:
        """An answer to a slash command that has been deferred; `private` as the deferral was."""

        async def first(text: str, **view: Any) -> Any:
            return await interaction.edit_original_response(content=text, **view)

        async def more(text: str, **view: Any) -> Any:
            return await interaction.followup.send(text, ephemeral=private, wait=True, **view)

        # Discord counts an interaction's messages by themselves, so they have a pace of their own.
        where = Where(interaction.channel, interaction.id, first, more, tell=more, seconds=_TOKEN_LIFE)
        return Reply(self, where, interaction.user.id)

    def again(self, press: discord.Interaction, asker: int) -> Reply:
        """Another answer in place of the one under which Regenerate was pressed; the press has been deferred."""

        async def tell(text: str) -> None:
            await press.followup.send(text, ephemeral=True)

        channel: Any = press.channel
        where = Where(channel, channel.id, channel.send, channel.send, tell)
        return Reply(self, where, asker, Button(Action.REGENERATE, asker))

    def stop(self, message: int) -> bool:
        """Stop the answer that a message shows; returns whether it was growing."""
        reply = self._growing.get(message)
        if reply:
            reply.stop()
        return reply is not None

    async def retire(self, channel: Any, turn: Turn) -> None:
        """Take the button from under a turn that is not the newest any more."""
        if turn.answer_messages:
            with suppress(discord.HTTPException):  # the message may be gone, and so is the button
                await self.pacer.slot()
                await channel.get_partial_message(turn.answer_messages[-1]).edit(view=None)

    def growing(self, reply: Reply, message: Shown) -> None:
        """Note that a reply has this message."""
        self._growing[message.id] = reply

    def ended(self, reply: Reply) -> None:
        """Forget a reply that has been shown to its end."""
        for message in [message for message, growing in self._growing.items() if growing is reply]:
            del self._growing[message]
