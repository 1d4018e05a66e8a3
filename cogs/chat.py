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
from bot.messages.addressing import Addressing, is_by_a_person
from bot.messages.auto_threads import AutoThreads
from bot.messages.channel_context import ChannelContext
from bot.messages.incoming_text import IncomingText
from bot.messages.lookups import Threads
from bot.messages.placeholders import placeholders
from bot.messages.replies import Replies
from bot.storage.channel_ref import ChannelRef
from bot.texts import UNREADABLE_REPLY, UNREADABLE_ROLE_MENTION, answered_without


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
        context: ChannelContext,
    ) -> None:
        self._bot = bot
        self._conversations = conversations
        self._replies = replies
        self._access = access
        self._addressing = addressing
        self._auto_threads = auto_threads
        self._context = context
        self._threads = Threads(bot)

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Answer, as a reply, if the message is for us."""
        # A bot's or a webhook's is never answered, or two bots would talk for ever.
        if not is_by_a_person(message):
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
            fetch_context=self._context.of(message.channel),
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
