"""A stream of text → Discord messages that grow while people read them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Protocol, Self

import discord

from bot.errors import UserError
from bot.pacing import Pacer
from bot.paging import Page, pages
from bot.wording import UNEXPECTED

log = logging.getLogger(__name__)

_FEW_WORDS = 20  # characters with which an answer begins to show
_PATIENCE = 1.0  # seconds after which it shows with fewer
_TYPING = 9.0  # seconds that the typing indicator lasts


class Shown(Protocol):
    """A message in Discord, however it was sent."""

    id: int

    async def edit(self, *, content: str) -> Any:
        """Show other text."""


def explain(error: BaseException) -> str:
    """The sentence for the person who asked; what is nobody's fault but ours goes to the log."""
    if isinstance(error, UserError):
        return str(error)
    log.error("Something unexpected went wrong.", exc_info=error)
    return UNEXPECTED


class Reply:
    """One answer in Discord. Whatever goes wrong within its `async with` block is told to the asker there.

    `first` sends the first message and `more` each that goes on where 2000 characters are full, all at the pace of
    `channel`. The typing indicator shows in `typing_in` until there is something to read.
    """

    def __init__(
        self,
        pacer: Pacer,
        channel: int,
        first: Callable[[str], Awaitable[Shown]],
        more: Callable[[str], Awaitable[Shown]],
        typing_in: discord.abc.Messageable | None = None,
    ) -> None:
        self._pacer = pacer
        self._channel = channel
        self._first = first
        self._more = more
        self._typing_in = typing_in
        self._typing: asyncio.Task[None] | None = None
        self._messages: list[Shown] = []
        self._text = ""
        self._last = Page("", 0)  # the last page that is full: the newest message shows what follows it
        self._shown = ""  # what the newest message shows
        self._grown = asyncio.Event()

    async def __aenter__(self) -> Self:
        if self._typing_in:
            # Not awaited: a question must take its place in the channel's order before anything else happens.
            self._typing = asyncio.create_task(self._type(self._typing_in))
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
            try:
                await self._send(explain(error))
            except discord.HTTPException as refused:
                log.warning("An error could not be told to the asker: %s", refused)
        return True

    async def show(self, pieces: AsyncIterator[str]) -> list[int]:
        """Show the pieces as they come, at a pace that Discord likes; returns the ids of the messages.

        What has come by then stays when the pieces end in an error, which is raised on.
        """
        reading = asyncio.create_task(self._read(pieces))
        try:
            await self._begin(reading)
            while not reading.done():
                await self._catch_up()
                await self._grown.wait()
                self._grown.clear()
            await self._catch_up()
            await reading
        finally:
            reading.cancel()
        return [message.id for message in self._messages]

    async def _read(self, pieces: AsyncIterator[str]) -> None:
        try:
            async for piece in pieces:
                self._text += piece
                self._grown.set()
        finally:
            self._grown.set()

    async def _begin(self, reading: asyncio.Task[None]) -> None:
        """Wait for a few words: an answer that began with half of one would look odd."""
        await self._grown.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while len(self._text) < _FEW_WORDS and not reading.done():
                    self._grown.clear()
                    await self._grown.wait()

    async def _catch_up(self) -> None:
        """Show what has come by now; while it waits for its turn, more may come."""
        while self._behind():
            async with self._pacer.turn(self._channel):
                page, *more = self._pages()
                await self._put(page.content.strip())
            if more:
                self._last, self._shown = page, ""

    def _behind(self) -> bool:
        page, *more = self._pages()
        return bool(more) or page.content.strip() not in ("", self._shown)

    def _pages(self) -> list[Page]:
        return list(pages(self._text, self._last.end, self._last.fence))

    async def _put(self, text: str) -> None:
        if not text or text == self._shown:
            return  # Discord refuses an empty message, and an edit that changes nothing is a waste
        if self._shown:
            await self._messages[-1].edit(content=text)
        else:
            await self._send(text)
        self._shown = text

    async def _send(self, text: str) -> None:
        send = self._more if self._messages else self._first
        self._stop_typing()
        self._messages.append(await send(text))

    def _stop_typing(self) -> None:
        if self._typing:
            self._typing.cancel()

    async def _type(self, channel: discord.abc.Messageable) -> None:
        """Show the typing indicator until cancelled, except while the bot is too busy for it."""
        with suppress(Exception):  # an answer without the indicator is still an answer
            while True:
                if not self._pacer.busy:
                    await self._pacer.slot()
                    await channel.typing()
                await asyncio.sleep(_TYPING)


class Replies:
    """Makes the bot's replies, which share its limits."""

    def __init__(self) -> None:
        self._pacer = Pacer()

    def to(self, message: discord.Message) -> Reply:
        """An answer to somebody's message, as a reply to it, even when it has been deleted meanwhile."""
        reference = message.to_reference(fail_if_not_exists=False)

        async def first(text: str) -> Shown:
            return await message.channel.send(text, reference=reference)

        return Reply(self._pacer, message.channel.id, first, message.channel.send, typing_in=message.channel)

    def to_command(self, interaction: discord.Interaction, *, private: bool) -> Reply:
        """An answer to a slash command that has been deferred; `private` as the deferral was."""

        async def first(text: str) -> Shown:
            return await interaction.edit_original_response(content=text)

        async def more(text: str) -> Shown:
            return await interaction.followup.send(text, ephemeral=private, wait=True)

        # Discord counts an interaction's messages by themselves, so they have a pace of their own.
        return Reply(self._pacer, interaction.id, first, more)
