"""A stream of text → Discord messages that grow while people read them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Protocol, Self

import discord

from bot.errors import UserError
from bot.wording import UNEXPECTED

log = logging.getLogger(__name__)

LIMIT = 2000
"""The most characters in one message."""
_PACE = 1.2  # seconds between two edits; Discord allows about five in five seconds, per channel


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

    `first` sends the first message and `more` each that goes on where 2000 characters are full. The typing
    indicator shows in `typing_in` until there is something to read.
    """

    def __init__(
        self,
        first: Callable[[str], Awaitable[Shown]],
        more: Callable[[str], Awaitable[Shown]],
        typing_in: discord.abc.Messageable | None = None,
    ) -> None:
        self._first = first
        self._more = more
        self._typing_in = typing_in
        self._typing: asyncio.Task[None] | None = None
        self._messages: list[Shown] = []
        self._text = ""
        self._start = 0  # where in the text the newest message begins
        self._shown = ""  # what the newest message shows
        self._grown = asyncio.Event()

    async def __aenter__(self) -> Self:
        if self._typing_in:
            # Not awaited: a question must take its place in the channel's order before anything else happens.
            self._typing = asyncio.create_task(_type(self._typing_in))
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
            while not reading.done():
                await self._grown.wait()
                self._grown.clear()
                await self._publish()
                await asyncio.wait([reading], timeout=_PACE)
            await self._publish()
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

    async def _publish(self) -> None:
        while len(self._text) - self._start > LIMIT:
            end = self._start + _cut(self._text[self._start : self._start + LIMIT])
            await self._put(self._text[self._start : end])
            self._start, self._shown = end, ""
        await self._put(self._text[self._start :])

    async def _put(self, text: str) -> None:
        # Discord strips white space too, and refuses a message of nothing else.
        text = text.strip()
        if not text or text == self._shown:
            return
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


def reply_to(message: discord.Message) -> Reply:
    """An answer to somebody's message, as a reply to it, even when it has been deleted meanwhile."""
    reference = message.to_reference(fail_if_not_exists=False)

    async def first(text: str) -> Shown:
        return await message.channel.send(text, reference=reference)

    return Reply(first, message.channel.send, typing_in=message.channel)


def reply_to_command(interaction: discord.Interaction, *, private: bool) -> Reply:
    """An answer to a slash command that has been deferred; `private` as the deferral was."""

    async def first(text: str) -> Shown:
        return await interaction.edit_original_response(content=text)

    async def more(text: str) -> Shown:
        return await interaction.followup.send(text, ephemeral=private, wait=True)

    return Reply(first, more)


async def _type(channel: discord.abc.Messageable) -> None:
    """Show the typing indicator until cancelled."""
    with suppress(Exception):  # an answer without the indicator is still an answer
        async with channel.typing():
            await asyncio.Event().wait()


def _cut(text: str) -> int:
    """Where to break a full message: after its last line, else after its last word, else at its end."""
    return next((at + 1 for mark in "\n " if (at := text.rfind(mark)) > 0), len(text))
