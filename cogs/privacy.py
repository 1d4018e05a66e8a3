"""What people can do about what is stored: /forget, /export; and what leaves Discord leaves the database."""

import csv
import io
import json
import logging
from contextlib import suppress
from functools import partial
from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.conversation.answer import Answer
from bot.gateway.client import Client
from bot.gateway.status import GatewayStatus
from bot.messages.active_replies import ActiveReplies
from bot.messages.content import Content
from bot.messages.incoming_text import IncomingText, Unreadable
from bot.messages.review import Review
from bot.messages.transient_errors import REQUEST_ERRORS
from bot.storage.database import Database
from bot.storage.examples import ExampleStore
from bot.storage.pending_changes import PendingChanges
from bot.storage.turns import Turn, TurnStore
from bot.texts import EXPORT, EXPORT_FORMAT, FORGET, NOTHING_TO_EXPORT, SUMMARY_LABEL, exported, forgot_person

log = logging.getLogger(__name__)

_COLUMNS = ("at", "asker", "asker_name", "question", "answer")


class Privacy(commands.Cog):
    """Gives people what is stored, and forgets it."""

    def __init__(
        self,
        bot: Client,
        database: Database,
        turns: TurnStore,
        examples: ExampleStore,
        review: Review,
        active_replies: ActiveReplies,
        gateway: GatewayStatus,
        changes: PendingChanges,
    ) -> None:
        self._bot = bot
        self._database = database
        self._turns = turns
        self._examples = examples
        self._review = review
        self._active_replies = active_replies
        self._gateway = gateway
        self._changes = changes  # Discord reports an event only once, whether or not the database can be used

    @app_commands.command(description=FORGET)
    async def forget(self, interaction: discord.Interaction) -> None:
        """Forget all that the person asked, everywhere, and say how many turns it was."""
        await interaction.response.defer(ephemeral=True)
        forgotten = await self._turns.forget_person(interaction.user.id)
        self._active_replies.forget(forgotten)
        self._review.remove(await self._examples.forget_person(interaction.user.id))
        everywhere = self._bot.process_shards.alone
        await interaction.edit_original_response(content=forgot_person(forgotten.count, everywhere=everywhere))

    @app_commands.command(description=EXPORT)
    @app_commands.rename(form="format")
    @app_commands.describe(form=EXPORT_FORMAT)
    @app_commands.default_permissions(manage_messages=True)
    async def export(self, interaction: discord.Interaction, form: Literal["json", "csv"] = "json") -> None:
        """Give the channel's turns as a file, to the one who asks alone."""
        assert interaction.channel_id
        await interaction.response.defer(ephemeral=True)
        turns = await self._turns.recent(interaction.channel_id)
        summary = await self._turns.summary(interaction.channel_id)
        if not (turns or summary):
            await interaction.edit_original_response(content=NOTHING_TO_EXPORT)
            return
        rows = _rows(turns, summary)
        content = _json(rows) if form == "json" else _csv(rows)
        file = discord.File(io.BytesIO(content.encode()), f"turns-{interaction.channel_id}.{form}")
        await interaction.edit_original_response(content=exported(len(turns)), attachments=[file])

    @commands.Cog.listener()
    async def on_raw_message_delete(self, deleted: discord.RawMessageDeleteEvent) -> None:
        """Forget the turn of a message that somebody has deleted."""
        self._note_deletion(deleted.channel_id, deleted.message_id)

    @commands.Cog.listener()
    async def on_raw_bulk_message_delete(self, deleted: discord.RawBulkMessageDeleteEvent) -> None:
        """Forget the turns of messages that were deleted together."""
        for message in deleted.message_ids:
            self._note_deletion(deleted.channel_id, message)

    def _note_deletion(self, channel: int, message: int) -> None:
        if not self._active_replies.was_deleted_by_us(message):
            answer = self._active_replies.discard(message)
            self._changes.add(("deleted", message), partial(self._forget_message, channel, message, answer))

    async def _forget_message(self, channel: int, message: int, under_way: Answer | None = None) -> None:
        turn = under_way.turn if under_way else None
        self._active_replies.forget(await self._turns.forget_message(channel, message, turn))
        self._review.remove(await self._examples.forget_message(channel, message))

    @commands.Cog.listener()
    async def on_raw_message_edit(self, edited: discord.RawMessageUpdateEvent) -> None:
        """Store what a question says now."""
        self._changes.add(("edited", edited.message_id), partial(self._store_edit, edited))

    async def _store_edit(self, edited: discord.RawMessageUpdateEvent) -> None:
        """A question that is empty now, or no longer for us, is forgotten."""
        message, me = edited.message, self._bot.user
        assert me
        channel, number = edited.channel_id, edited.message_id
        if message.author == me or not (
            await self._turns.find(channel, number) or await self._examples.holds(channel, number)
        ):
            return
        text = IncomingText.of_question(message, me)
        question = ""
        if Content.of(message, me):
            with suppress(Unreadable):
                question = await text.fetch()
        if question:
            starter = await text.fetch_thread_starter(message, me)
            await self._turns.edit_question(channel, number, question, text.people, starter)
            changed, removed = await self._examples.edit_question(channel, number, question, text.people, starter)
            self._review.update(changed)
            self._review.remove(removed)
        else:
            await self._forget_message(channel, number)

    @commands.Cog.listener()
    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """Forget a deleted channel and its threads."""
        self._changes.add(("channel", channel.id), partial(self._forget_channel, channel.id))

    @commands.Cog.listener()
    async def on_raw_thread_delete(self, deleted: discord.RawThreadDeleteEvent) -> None:
        """Forget a deleted thread."""
        self._changes.add(("channel", deleted.thread_id), partial(self._forget_channel, deleted.thread_id))

    async def _forget_channel(self, channel: int) -> None:
        self._review.remove(await self._examples.forget_place(channel=channel))
        await self._database.forget_channel(channel)

    async def _forget_guild(self, guild: int) -> None:
        self._review.remove(await self._examples.forget_place(guild=guild))
        await self._database.forget_guild(guild)

    @commands.Cog.listener()
    async def on_shard_ready(self, shard: int) -> None:
        """Forget guilds and channels of a shard that were removed while it was away."""
        self._changes.add(("shard", shard), partial(self._forget_removed, shard))

    async def _forget_removed(self, shard: int) -> None:
        async for guild_id in self._database.guilds():
            if self._bot.process_shards.of(guild_id) != shard:
                continue  # only its own shard knows a guild
            for ref in await self._database.channels_of_guild(guild_id):
                if shard in self._gateway.away:
                    return  # its guilds are unknown meanwhile; when it is back, it is ready again
                guild, channel = self._bot.get_guild(guild_id), ref.parent or ref.channel
                if guild is None:
                    await self._forget_guild(guild_id)
                    break
                if not guild.unavailable and guild.get_channel(channel) is None and await self._is_gone(channel):
                    await self._forget_channel(channel)

    async def _is_gone(self, channel: int) -> bool:
        """Whether Discord says so: what the cache does not know may be a thread that was stored without its parent."""
        try:
            await self._bot.fetch_channel(channel)
        except (discord.NotFound, discord.Forbidden):
            return True
        except REQUEST_ERRORS as error:
            log.info("Whether the channel %d is gone is looked at again later: %s", channel, error)
        return False

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Forget a guild that the bot has left."""
        self._changes.add(("guild", guild.id), partial(self._forget_guild, guild.id))


def _rows(turns: list[Turn], summary: str) -> list[dict[str, str]]:
    """A row for each turn, after one for the summary, if there is one, as if it were an answer."""
    # Ids are text: a spreadsheet or a browser would round such large numbers.
    values = ((t.at.isoformat(), str(t.asker), t.asker_name, t.question, t.answer) for t in turns)
    before = [("", "", SUMMARY_LABEL, "", summary)] if summary else []
    return [dict(zip(_COLUMNS, row, strict=True)) for row in (*before, *values)]


def _json(rows: list[dict[str, str]]) -> str:
    return json.dumps(rows, ensure_ascii=False, indent=2)


def _harmless(value: str) -> str:
    """A cell that no spreadsheet takes for a formula, which could send off the other cells (OWASP)."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _csv(rows: list[dict[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS)
    writer.writeheader()
    writer.writerows({column: _harmless(value) for column, value in row.items()} for row in rows)
    return text.getvalue()
