"""Messages to the bot: mentions, replies to it, direct messages, and everything in chat channels."""

from contextlib import nullcontext
from dataclasses import replace
from functools import partial

import discord
from discord.ext import commands

from bot.conversation.conversations import Conversations, Question
from bot.errors import UserError
from bot.messages import access
from bot.messages.access import Access, channel_ref, roles_of
from bot.messages.addressing import Addressing
from bot.messages.auto_threads import AutoThreads
from bot.messages.incoming_text import IncomingText
from bot.messages.lookups import Threads
from bot.messages.placeholders import placeholders
from bot.messages.replies import Replies
from bot.storage.channel_ref import ChannelRef
from bot.texts import UNREADABLE_REPLY, UNREADABLE_ROLE_MENTION, answered_without

_WRITTEN_BY_PEOPLE = (discord.MessageType.default, discord.MessageType.reply)


class Chat(commands.Cog):
    """Answers messages that are meant for the bot."""

    def __init__(
        self,
        bot: commands.AutoShardedBot,
        conversations: Conversations,
        replies: Replies,
        access: Access,
        addressing: Addressing,
        auto_threads: AutoThreads,
    ) -> None:
        self._bot = bot
        self._conversations = conversations
        self._replies = replies
        self._access = access
        self._addressing = addressing
        self._auto_threads = auto_threads
        self._threads = Threads(bot)

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Answer, as a reply, if the message is for us."""
        if not _is_by_a_person(message):
            return
        if self._auto_threads.on:
            await self._threads.locate(message)  # a thread has to be known for us to know whose it is
        addressed = self._addressing.is_addressed(message)
        if not (addressed or self._addressing.is_called(message)):
            return
        roles = await roles_of(message.author, self._bot, self._access)
        if self._access.blocks(message.author.id, roles):
            return
        await self._threads.locate(message)
        if not (addressed or access.may_answer(message, self._access, roles)):
            return
        me = self._bot.user
        assert me
        text = IncomingText.of_question(message, me)
        hidden = self._hidden(message)
        if not (text or hidden):
            return
        question = Question(
            channel_ref(message),
            message.author.id,
            message.author.display_name,
            text.text,
            message=message.id,
            people=text.people,
            fetch_text=text.fetch,
            fetch_thread_starter=partial(text.fetch_thread_starter, message, me),
            placeholders=placeholders(message, me),
            hourly_limit=self._access.hourly_limit(roles),
        )
        async with self._replies.to(message) as reply:
            access.check(message, self._access, roles)
            if hidden:
                raise UserError(hidden)
            text.check()
            thread = None
            if self._auto_threads.wanted(message):
                self._conversations.check(question)
                thread = await self._auto_threads.open(message, me)
            if thread:
                question = replace(
                    question,
                    channel=ChannelRef(thread.id, thread.parent_id, thread.guild.id),
                    placeholders=placeholders(message, me, thread),
                )
            async with self._replies.to(message, thread) if thread else nullcontext(reply) as reply_there:
                async with self._conversations.answering(question) as answer:
                    answer.shown_in = await reply_there.show(answer)
                if text.unread and answer.said and not answer.discarded:
                    await reply_there.tell(answered_without(text.unread))

    def _hidden(self, message: discord.Message) -> str | None:
        """What to say of a message that Discord does not let the bot read, as it does not mention it."""
        direct = channel_ref(message).guild is None
        if direct or self._bot.intents.message_content or self._addressing.is_mentioned(message):
            return None
        return UNREADABLE_REPLY if self._addressing.is_reply(message) else UNREADABLE_ROLE_MENTION


def _is_by_a_person(message: discord.Message) -> bool:
    """Never a bot's or a webhook's, or two bots would talk for ever; nor an announcement of Discord's own."""
    return not message.author.bot and not message.webhook_id and message.type in _WRITTEN_BY_PEOPLE
