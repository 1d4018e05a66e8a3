"""People's data: /forget, /export, and what leaves Discord leaves the database."""

import asyncio
import csv
import io
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, Literal, ParamSpec

import discord
from discord import app_commands
from discord.ext import commands

from bot.gateway.status import GatewayStatus
from bot.messages import incoming_text
from bot.messages.replies import Replies
from bot.shards import Shards
from bot.storage.database import Database, DatabaseError
from bot.storage.turns import Turn, TurnStore
from bot.texts import EXPORT, EXPORT_FORMAT, FORGET, NOTHING_TO_EXPORT, SUMMARY_LABEL, exported, forgot_person

log = logging.getLogger(__name__)

_COLUMNS = ("at", "asker", "asker_name", "question", "answer")
_AGAIN = 10.0  # seconds after which a change that the history did not take is made again,
_ATTEMPTS = 360  # and how often
_Event = ParamSpec("_Event")


def _in_the_end(listener: Callable[_Event, Awaitable[None]]) -> Callable[_Event, Coroutine[Any, Any, None]]:
    """Have the database follow what Discord tells only once, also where its file cannot be used just then."""

    @wraps(listener)
    async def until_done(*args: _Event.args, **kwargs: _Event.kwargs) -> None:
        for _ in range(_ATTEMPTS):
            try:
                await listener(*args, **kwargs)
            except DatabaseError:
                await asyncio.sleep(_AGAIN)
            else:
                return
        log.error("What was deleted or changed in Discord is still in the database, which cannot be used.")

    return until_done


class Privacy(commands.Cog):
    """Gives people what is stored, and forgets it."""

    def __init__(
        self,
        bot: commands.AutoShardedBot,
        database: Database,
        history: TurnStore,
        replies: Replies,
        shards: Shards,
        link: GatewayStatus,
    ) -> None:
        self._bot = bot
        self._database = database
        self._history = history
        self._replies = replies
        self._shards = shards
        self._link = link
        self._edits: dict[int, discord.RawMessageUpdateEvent] = {}  # by message: the newest that is not stored yet

    @app_commands.command(description=FORGET)
    async def forget(self, interaction: discord.Interaction) -> None:
        """Forget all that the person asked, everywhere, and say how many turns it was."""
        await interaction.response.defer(ephemeral=True)
        turns = await self._history.forget_person(interaction.user.id)
        await interaction.edit_original_response(content=forgot_person(turns, everywhere=self._shards.alone))

    @app_commands.command(description=EXPORT)
    @app_commands.rename(form="format")
    @app_commands.describe(form=EXPORT_FORMAT)
    @app_commands.default_permissions(manage_messages=True)
    async def export(self, interaction: discord.Interaction, form: Literal["json", "csv"] = "json") -> None:
        """Give the channel's turns as a file, to the one who asks alone."""
        assert interaction.channel_id
        await interaction.response.defer(ephemeral=True)
        turns = await self._history.recent(interaction.channel_id)
        summary = await self._history.summary(interaction.channel_id)
        if not (turns or summary):
            await interaction.edit_original_response(content=NOTHING_TO_EXPORT)
            return
        rows = _rows(turns, summary)
        content = _json(rows) if form == "json" else _csv(rows)
        file = discord.File(io.BytesIO(content.encode()), f"turns-{interaction.channel_id}.{form}")
        await interaction.edit_original_response(content=exported(len(turns)), attachments=[file])

    @commands.Cog.listener()
    @_in_the_end
    async def on_raw_message_delete(self, deleted: discord.RawMessageDeleteEvent) -> None:
        """Forget the turn of a message that somebody has deleted."""
        growing = self._replies.growing
        if not growing.took_away(deleted.message_id):
            growing.withdraw(deleted.message_id)
            await self._history.forget_message(deleted.channel_id, deleted.message_id)

    @commands.Cog.listener()
    @_in_the_end
    async def on_raw_bulk_message_delete(self, deleted: discord.RawBulkMessageDeleteEvent) -> None:
        """Forget the turns of messages that were deleted together."""
        for message in deleted.message_ids:
            await self._history.forget_message(deleted.channel_id, message)

    @commands.Cog.listener()
    async def on_raw_message_edit(self, edited: discord.RawMessageUpdateEvent) -> None:
        """Let the history say what a question says now, in the end, unless it says something else by then."""
        self._edits[edited.message_id] = edited
        while self._edits.get(edited.message_id) is edited:
            try:
                await self._follow(edited)
            except DatabaseError:
                await asyncio.sleep(_AGAIN)
            else:
                self._edits.pop(edited.message_id, None)

    async def _follow(self, edited: discord.RawMessageUpdateEvent) -> None:
        """A question that says nothing any more, or nothing to us, goes."""
        message, me = edited.message, self._bot.user
        assert me
        if message.author == me or not await self._history.find(edited.channel_id, edited.message_id):
            return
        if text := incoming_text.said(message, me):
            await self._history.edit(edited.channel_id, edited.message_id, incoming_text.replied_to(message, me) + text)
        else:
            await self._history.forget_message(edited.channel_id, edited.message_id)

    @commands.Cog.listener()
    @_in_the_end
    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """Forget a deleted channel, and its threads."""
        await self._database.forget_channel(channel.id)

    @commands.Cog.listener()
    @_in_the_end
    async def on_raw_thread_delete(self, deleted: discord.RawThreadDeleteEvent) -> None:
        """Forget a deleted thread."""
        await self._database.forget_channel(deleted.thread_id)

    @commands.Cog.listener()
    @_in_the_end
    async def on_shard_ready(self, shard: int) -> None:
        """Forget servers and channels of a shard that have gone while it was away."""
        for guild_id, channel, parent in await self._database.places():
            if shard in self._link.away:
                return  # its servers are not known then; when it is back, it is ready again
            if self._shards.of(guild_id) != shard:
                continue  # of that server, only its own shard hears
            guild = self._bot.get_guild(guild_id)
            if guild is None:
                await self._database.forget_guild(guild_id)
            elif not guild.unavailable and guild.get_channel(parent or channel) is None:
                await self._database.forget_channel(parent or channel)

    @commands.Cog.listener()
    @_in_the_end
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Forget a server that the bot has left."""
        await self._database.forget_guild(guild.id)


def _rows(turns: list[Turn], summary: str) -> list[dict[str, str]]:
    """A row for each turn, and before them one for the summary, if there is one, as if it were an answer."""
    # Ids as text: a spreadsheet or a browser would round such large numbers.
    values = ((t.at.isoformat(), str(t.asker), t.asker_name, t.question, t.answer) for t in turns)
    before = [("", "", SUMMARY_LABEL, "", summary)] if summary else []
    return [dict(zip(_COLUMNS, row, strict=True)) for row in (*before, *values)]


def _json(rows: list[dict[str, str]]) -> str:
    return json.dumps(rows, ensure_ascii=False, indent=2)


def _harmless(value: str) -> str:
    """A cell that no spreadsheet takes for a formula, which could send off what stands in other cells (OWASP)."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _csv(rows: list[dict[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS)
    writer.writeheader()
    writer.writerows({column: _harmless(value) for column, value in row.items()} for row in rows)
    return text.getvalue()
