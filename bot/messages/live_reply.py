"""One answer in Discord, as messages that grow while people read them, with their buttons."""

import asyncio
import logging
import math
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import discord

from bot.conversation.admission import Busy
from bot.conversation.answer import Answer, State
from bot.errors import UserError
from bot.messages.access import MayNotWrite
from bot.messages.active_replies import ActiveReplies
from bot.messages.buttons import Action, Button, view, with_view
from bot.messages.destinations import Destination
from bot.messages.explanations import explain
from bot.messages.pages import Page, pages
from bot.messages.transient_errors import REQUEST_ERRORS, is_moderated, is_transient
from bot.texts import (
    GOES_ON_BELOW,
    MAY_NOT_WRITE,
    OUT_OF_TIME,
    STOPPED_WAITING,
    THINKING,
    UNDELIVERABLE,
    waits,
)

log = logging.getLogger(__name__)

_FEW_WORDS = 20  # characters with which an answer begins to show
_FEW_WORDS_WAIT = 1.0  # seconds after which it shows with fewer
_TYPING = 9.0  # seconds that the typing indicator lasts
_FIRST_NOTICE = 1.0  # seconds of waiting after which the asker is told of it
_ARCHIVED = 50083  # Discord's code: nothing in an archived thread can be edited; a new message opens it again


class Undeliverable(UserError):
    """Discord did not take the whole answer for so long that nobody waits for it any more."""

    def __init__(self) -> None:
        super().__init__(UNDELIVERABLE)


class OutOfTime(UserError):
    """The answer took longer than Discord takes messages of an interaction."""

    def __init__(self) -> None:
        super().__init__(OUT_OF_TIME)


class LiveReply:
    """Shows one answer. Whatever goes wrong within its `async with` block is told to the asker.

    Under the newest of its messages is Stop while the answer grows, then, if it is `stored` as a turn, the buttons of a
    whole answer.
    """

    def __init__(self, active: ActiveReplies, destination: Destination, asker: int, *, stored: bool) -> None:
        self._active = active
        self._destination = destination
        self._asker = asker
        self._stored = stored
        self._stop_button = Button(Action.STOP, asker)
        self._answer = Answer()
        self._admitted = False
        self._typing: asyncio.Task[None] | None = None
        self._messages: list[Any] = []
        self._begins = True  # whether the next message is the first at its destination
        self._old: list[Any] = []  # the messages of the answer that is to be replaced or continued
        self._obsolete: list[Any] = []  # messages to be deleted once a newer one shows the text
        self._last = Page("", 0)  # the last page that is full: the newest message shows what follows it
        self._shown = ""  # what the newest message shows
        self._buttons: tuple[Button, ...] = ()  # the buttons under it
        self._has_text = False  # whether any of the answer's own text is shown
        self._notice_at = math.inf
        self._closes_at = math.inf  # when the destination takes no more messages, by the event loop's clock
        self._out_of_time = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        self._stop_typing()
        self._active.remove(self._answer)
        if self._answer.forgotten or isinstance(error, Exception):
            await self._remove_dead_button()
        if not isinstance(error, Exception):
            return False
        self._active.observer.failed(error)
        match error:
            case discord.NotFound():
                log.info("An answer ended early: its message or channel was deleted.")
            case discord.Forbidden() if not is_moderated(error):
                log.warning("An answer could not be shown: %s", error)
                await self._tell_privately(MAY_NOT_WRITE)
            case _ if not self._admitted:
                await self._refuse(error)
            case _:
                await self.tell(explain(error))
        return True

    async def tell(self, sentence: str) -> Any:
        """Say something of the bot's own, in place of a notice or after what is shown of the answer."""
        try:
            await self._slot()
            if self._begins or self._has_text:
                return await self._destination.tell(sentence)
            return await self._messages[-1].edit(content=sentence, view=None)
        except REQUEST_ERRORS as error:
            log.warning("The asker could not be told: %s", error)

    async def _refuse(self, error: Exception) -> None:
        """Tell why there will be no answer, unless others wait for theirs."""
        sentence = explain(error)
        if self._destination.of_interaction:  # which Discord would show as failed
            await self._tell_privately(sentence)
            return
        with self._active.refusals.admitted(self._destination.channel.id, self._asker) as admitted:
            if not admitted:
                return
            if isinstance(error, MayNotWrite):
                await self._tell_privately(sentence)
            elif (refusal := await self.tell(sentence)) and isinstance(error, Busy):
                await asyncio.sleep(self._active.refusals.lifetime)
                await self._active.delete(refusal)

    async def _tell_privately(self, sentence: str) -> None:
        try:
            await self._slot()
            await self._destination.tell_privately(sentence)
        except REQUEST_ERRORS as error:
            log.warning("The asker could not be told: %s", error)

    async def _slot(self) -> None:
        """Wait until the bot may say something, if Discord counts it."""
        if not self._destination.of_interaction:
            await self._active.pacer.slot()

    async def show(self, answer: Answer) -> tuple[int, ...]:
        """Show an answer as it grows, at a pace that Discord accepts; returns the ids of its messages.

        Of an answer that ends in an error, what there is stays. Raises Undeliverable, OutOfTime, and what Discord
        refuses for good.
        """
        self._answer = answer
        self._admitted = True
        self._active.add(answer)
        if self._destination.shows_typing:
            self._typing = asyncio.create_task(self._type())
        now = asyncio.get_running_loop().time()
        self._notice_at = now + _FIRST_NOTICE
        if self._destination.lifetime:
            self._closes_at = now + self._destination.lifetime
        try:
            await self._grow()
        except discord.NotFound:  # deleted, even if Discord has not told of it otherwise
            answer.discard()
            raise
        return tuple(message.id for message in self._messages)

    async def _grow(self) -> None:
        """Show the answer until all of it is shown."""
        answer = self._answer
        await self._wait_until(State.STARTED)
        await self._make_room()
        await self._wait_until(State.WRITING)
        self._take_over()
        await self._wait_for_a_few_words()
        while answer.state < State.FINISHED:
            await self._catch_up()
            await self._next_change()
        await self._catch_up()
        if self._old and not self._messages:  # not replaced, so it stays
            left = () if answer.discarded else self._final_buttons(cut=answer.cut)
            await self._old[-1].edit(view=view(*left))
        elif self._old:  # the answer has become shorter than its beginning was
            self._obsolete += self._old
            await self._delete_obsolete()
        if answer.error is None:
            if self._out_of_time:
                raise OutOfTime
            if answer.stopped and not answer.discarded and self._messages and not answer.text:
                await self.tell(STOPPED_WAITING)

    async def _next_change(self, until: float = math.inf) -> bool:
        """Wait for the answer to change; returns False if the time comes first, by the event loop's clock."""
        try:
            async with asyncio.timeout_at(min(until, self._closes_at)):
                await self._answer.changed()
        except TimeoutError:
            await self._move_on()
            return False
        return True

    async def _move_on(self) -> None:
        """Once the destination takes no more messages, go on at its fallback and say so; else stop the answer."""
        if asyncio.get_running_loop().time() < self._closes_at:
            return
        self._closes_at = math.inf
        if not self._destination.has_fallback:
            self._out_of_time = True
            self._notice_at = math.inf
            self._answer.stop()
            return
        with suppress(*REQUEST_ERRORS):
            if self._shown:  # it was still growing, and appears anew below
                await self._messages[-1].edit(content=GOES_ON_BELOW, view=None)
            elif not self._messages:
                await self._destination.send(GOES_ON_BELOW, begins=True)
        self._destination = self._destination.fallback()
        self._begins, self._shown, self._buttons = True, "", ()

    async def _wait_until(self, state: State) -> None:
        """Wait until the answer has come so far; meanwhile tell the asker what it waits for."""
        while self._answer.state < state:
            if await self._next_change(self._notice_at) or self._out_of_time:
                continue
            self._notice_at = asyncio.get_running_loop().time() + self._active.notice_interval
            sentence = self._reason_to_wait()
            if not sentence or (self._active.pacer.busy and self._shown):
                continue
            if self._destination.in_place:
                await self._tell_privately(sentence)
                self._notice_at = math.inf
            elif sentence != self._shown:
                await self._notice(sentence, state)

    def _reason_to_wait(self) -> str | None:
        if position := self._answer.position:
            return waits(position.ahead, position.seconds, position.loading)
        return THINKING if self._answer.thinking else None

    async def _notice(self, sentence: str, state: State) -> None:
        """Show what the answer waits for where the answer will be, unless it has come so far meanwhile."""
        try:
            async with self._active.pacer.turn(self._destination.pace_key):
                if self._answer.state < state:
                    await self._put(sentence, (self._stop_button,))
        except REQUEST_ERRORS as error:
            if not is_transient(error):
                raise
            log.warning("Discord did not take a notice: %s", error)

    async def _make_room(self) -> None:
        """Remove the buttons from the answers before, or offer Stop under the one that is replaced."""
        channel = self._destination.channel
        for turn in self._answer.outdated:
            await self._active.remove_button(channel, turn)
        if self._answer.replaces:
            self._old = [channel.get_partial_message(message) for message in self._answer.replaces.answer_messages]
            if isinstance(channel, discord.Thread) and channel.archived:
                with suppress(*REQUEST_ERRORS):
                    await channel.edit(archived=False)  # nothing in it can be edited otherwise
            await self._old[-1].edit(view=view(self._stop_button))

    def _take_over(self) -> None:
        """Go on in the messages that show an answer's beginning. If they show it otherwise, they are edited first."""
        turn = self._answer.replaces
        if not (self._answer.continues and turn and turn.answer and self._answer.text.startswith(turn.answer)):
            return
        *full, last = pages(turn.answer)
        if len(full) + 1 == len(self._old):
            self._messages, self._old = self._old, []
            self._last = full[-1] if full else self._last
            self._shown, self._buttons = last.content.strip(), (self._stop_button,)
            self._begins, self._has_text = False, True

    async def _wait_for_a_few_words(self) -> None:
        """An answer that begins with half a word looks odd."""
        until = asyncio.get_running_loop().time() + _FEW_WORDS_WAIT
        while len(self._answer.text) < _FEW_WORDS and self._answer.state < State.FINISHED:
            if not await self._next_change(until):
                return

    async def _catch_up(self) -> None:
        """Show what there is by now and the button under it; more may come while this waits for its turn.

        What Discord fails to take is left to the next edit; the last is repeated until Discord is back.
        """
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + self._active.delivery_patience
        while True:
            await self._move_on()
            if self._is_up_to_date():
                return
            was_finished = self._answer.state is State.FINISHED
            try:
                async with self._active.pacer.turn(self._destination.pace_key):
                    await self._show_page()
            except REQUEST_ERRORS as error:
                if not is_transient(error):
                    raise
                log.warning("Discord did not take a part of an answer: %s", error)
                if not was_finished:
                    return
                if loop.time() > give_up_at:
                    log.error("An answer could not be delivered: Discord was out of reach for too long.")
                    raise Undeliverable from error

    def _is_up_to_date(self) -> bool:
        page, *more = self._pages()
        text = page.content.strip()
        return not more and (not text or (text, self._due_buttons()) == (self._shown, self._buttons))

    async def _show_page(self) -> None:
        """Show the page that the newest message is at; once it is full, the next message shows the next one."""
        page, *more = self._pages()
        await self._put(page.content.strip(), () if more else self._due_buttons())
        self._has_text = True
        if more:
            self._last, self._shown, self._buttons = page, "", ()

    def _pages(self) -> list[Page]:
        return list(pages(self._answer.text, self._last.end, self._last.fence))

    def _due_buttons(self) -> tuple[Button, ...]:
        """The buttons that should be under the answer now."""
        answer = self._answer
        if answer.state < State.FINISHED:
            return (self._stop_button,)
        is_whole = answer.error is None and answer.saved and not answer.discarded
        return self._final_buttons(cut=answer.cut) if is_whole else ()

    def _final_buttons(self, *, cut: bool) -> tuple[Button, ...]:
        if not self._stored:
            return ()
        buttons = self._active.buttons
        return buttons.newest(self._asker, cut=cut) if self._answer.regenerable else buttons.older(self._asker)

    async def _remove_dead_button(self) -> None:
        """Remove the button of an answer that failed or was forgotten: a press could do nothing.

        An answer that was to be replaced or continued stays in its messages, with its buttons.
        """
        answer, old = self._answer, self._answer.replaces
        stands = self._old[-1:] or (self._messages[-1:] if self._buttons else [])
        left: tuple[Button, ...] = ()
        surplus: list[Any] = []
        if old and not (answer.replaced or answer.forgotten or answer.discarded):
            shown = [*self._messages, *self._old]
            stands = [message for message in shown if message.id in old.answer_messages][-1:]
            surplus = [message for message in shown if message.id not in old.answer_messages]
            left = self._final_buttons(cut=old.beginning is not None)
        with suppress(*REQUEST_ERRORS):
            for message in stands:
                await message.edit(view=view(*left))
        for message in surplus:
            await self._active.delete(message)

    async def _put(self, text: str, buttons: tuple[Button, ...]) -> None:
        if not text:
            return  # Discord refuses an empty message
        if self._shown:
            await self._edit(text, buttons)
        else:
            await self._send(text, buttons)
        self._shown, self._buttons = text, buttons

    async def _edit(self, text: str, buttons: tuple[Button, ...]) -> None:
        changes: dict[str, Any] = {"content": text} if text != self._shown else {}
        if buttons != self._buttons:
            changes["view"] = view(*buttons)
        try:
            await self._messages[-1].edit(**changes)
        except discord.HTTPException as refused:
            if refused.code != _ARCHIVED:
                raise
            # A new message takes its place, with another attempt if this one fails.
            self._obsolete.append(self._messages.pop())
            self._begins, self._shown, self._buttons = not self._messages, "", ()
            await self._send(text, buttons)

    async def _send(self, text: str, buttons: tuple[Button, ...]) -> None:
        self._stop_typing()
        if self._old:
            message, *others = self._old
            await message.edit(content=text, view=view(*buttons))
            if self._answer.continues:
                self._old = others
            else:
                self._old, self._obsolete = [], others
                self._answer.replaced = True
        else:
            message = await self._destination.send(text, begins=self._begins, **with_view(*buttons))
        self._begins = False
        self._messages.append(message)
        self._active.add(self._answer, message.id)
        await self._delete_obsolete()

    async def _delete_obsolete(self) -> None:
        while self._obsolete:
            await self._active.delete(self._obsolete.pop())

    def _stop_typing(self) -> None:
        if self._typing:
            self._typing.cancel()

    async def _type(self) -> None:
        """Show the typing indicator until cancelled, except while the bot is too busy for it."""
        with suppress(Exception):  # an answer without the indicator is still an answer
            while True:
                if not self._active.pacer.busy:
                    await self._active.pacer.slot()
                    await self._destination.channel.typing()
                await asyncio.sleep(_TYPING)
