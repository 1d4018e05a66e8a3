"""The routes that a bot uses, except those of interactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import payloads, rules
from .errors import (
    Refused,
    invalid,
    missing_permissions,
    not_in_direct_messages,
    not_the_author,
    thread_archived,
    unknown,
)
from .messages import COMPONENTS_V2, HAS_THREAD, SUPPRESS_EMBEDS, Attachment, Message
from .permissions import Permission
from .ratelimit import DELETIONS, MESSAGES, TYPING
from .rest import Answer, Request, Routes

if TYPE_CHECKING:
    from .channels import Channel
    from .guilds import Guild
    from .people import User
    from .server import Discord

Json = dict[str, Any]

ROUTES = Routes()
FLAGS_OF_A_SENDER = SUPPRESS_EMBEDS | 1 << 12 | COMPONENTS_V2
"""Without embeds, without a sound, in the newer layout: what a bot may ask for in a channel."""
NONCE_LASTS = 300.0


def find_channel(discord: Discord, channel_id: int) -> Channel:
    channel = discord.channels.get(channel_id)
    if channel is None:
        raise unknown("Channel")
    rules.check_may_see(channel)
    return channel


def find_message(channel: Channel, message_id: int) -> Message:
    """A message that the bot can access through its channel, so not an ephemeral one."""
    message = channel.messages.get(message_id)
    if message is None or message.deleted_at is not None or message.ephemeral:
        raise unknown("Message")
    return message


def find_guild(discord: Discord, request: Request) -> Guild:
    guild = discord.guilds.get(request.id("guild_id"))
    if guild is None:
        raise unknown("Guild")
    return guild


def find_user(discord: Discord, user_id: int) -> User:
    user = discord.users.get(user_id)
    if user is None or user.webhook:
        raise unknown("User")
    return user


@ROUTES.add("GET", "/users/@me")
def own_user(discord: Discord, request: Request) -> Answer:
    return 200, payloads.own_user(discord.bot)


@ROUTES.add("GET", "/users/@me/guilds")
def list_own_guilds(discord: Discord, request: Request) -> Answer:
    limit = int(request.query.get("limit", 200))
    guilds = [guild for number, guild in sorted(discord.guilds.items()) if number > int(request.query.get("after", 0))]
    if "before" in request.query:
        guilds = [guild for guild in guilds if guild.id < int(request.query["before"])][-limit:]
    return 200, [payloads.own_guild(guild) for guild in guilds[:limit]]


@ROUTES.add("GET", "/users/{user_id}")
def get_user(discord: Discord, request: Request) -> Answer:
    return 200, payloads.user(find_user(discord, request.id("user_id")))


@ROUTES.add("POST", "/users/@me/channels")
def open_direct(discord: Discord, request: Request) -> Answer:
    recipient = find_user(discord, int(request.body["recipient_id"]))
    return 200, payloads.channel(discord.direct(recipient))


@ROUTES.add("GET", "/applications/@me")
@ROUTES.add("GET", "/oauth2/applications/@me")
def get_application(discord: Discord, request: Request) -> Answer:
    return 200, payloads.application(discord.application)


@ROUTES.add("GET", "/gateway")
def get_gateway(discord: Discord, request: Request) -> Answer:
    return 200, {"url": discord.gateway.url}


@ROUTES.add("GET", "/gateway/bot")
def get_gateway_for_bots(discord: Discord, request: Request) -> Answer:
    gateway = discord.gateway
    start = {"total": 1000, "remaining": gateway.session_starts, "reset_after": 3_600_000}
    start["max_concurrency"] = gateway.max_concurrency
    return 200, {"url": gateway.url, "shards": gateway.shards, "session_start_limit": start}


@ROUTES.add("GET", "/guilds/{guild_id}")
def get_guild(discord: Discord, request: Request) -> Answer:
    return 200, payloads.guild(find_guild(discord, request))


@ROUTES.add("GET", "/guilds/{guild_id}/channels")
def list_channels(discord: Discord, request: Request) -> Answer:
    """All channels but threads, even those that the bot cannot see."""
    channels = find_guild(discord, request).channels.values()
    return 200, [payloads.channel(channel) for channel in channels if not channel.is_thread]


@ROUTES.add("GET", "/guilds/{guild_id}/members/{user_id}")
def get_member(discord: Discord, request: Request) -> Answer:
    membership = find_guild(discord, request).members.get(request.id("user_id"))
    if membership is None:
        raise unknown("Member")
    return 200, payloads.full_member(membership)


@ROUTES.add("GET", "/channels/{channel_id}")
def get_channel(discord: Discord, request: Request) -> Answer:
    return 200, payloads.channel(find_channel(discord, request.id("channel_id")))


@ROUTES.add("POST", "/channels/{channel_id}/typing", TYPING)
def start_typing(discord: Discord, request: Request) -> Answer:
    channel = find_channel(discord, request.id("channel_id"))
    rules.check_may_send(channel, {}, {}, None)
    channel.type(discord.bot)
    return 204, None


@ROUTES.add("GET", "/channels/{channel_id}/messages")
def list_messages(discord: Discord, request: Request) -> Answer:
    channel = find_channel(discord, request.id("channel_id"))
    if Permission.READ_MESSAGE_HISTORY not in channel.permissions(discord.bot):
        return 200, []
    messages = sorted((m for m in channel.shows() if not m.ephemeral), key=lambda m: m.id, reverse=True)
    limit = int(request.query.get("limit", 50))
    if "after" in request.query:
        messages = [m for m in messages if m.id > int(request.query["after"])][-limit:]
    elif "around" in request.query:
        middle = int(request.query["around"])
        newer, older = [m for m in messages if m.id > middle], [m for m in messages if m.id <= middle]
        messages = newer[-(limit // 2) :] + older[: limit - limit // 2]
    elif "before" in request.query:
        messages = [m for m in messages if m.id < int(request.query["before"])]
    return 200, [_as_the_bot_may_read(discord, message) for message in messages[:limit]]


@ROUTES.add("GET", "/channels/{channel_id}/messages/{message_id}")
def get_message(discord: Discord, request: Request) -> Answer:
    channel = find_channel(discord, request.id("channel_id"))
    if Permission.READ_MESSAGE_HISTORY not in channel.permissions(discord.bot):
        raise missing_permissions()
    message = find_message(channel, request.id("message_id"))
    return 200, _as_the_bot_may_read(discord, message)


def _as_the_bot_may_read(discord: Discord, message: Message) -> Json:
    payload = payloads.message(message)
    if "message_content" in discord.application.privileged_intents or message.is_for_the_bot:
        return payload
    return payloads.without_content(payload)


@ROUTES.add("POST", "/channels/{channel_id}/messages", MESSAGES)
def send_message(discord: Discord, request: Request) -> Answer:
    channel = find_channel(discord, request.id("channel_id"))
    if channel.kind == payloads.FORUM:
        raise Refused(400, 50008, "Cannot send messages in a non-text channel")
    body = request.body
    check_new(body, request.files)
    reference = _reference(channel, body.get("message_reference"))
    rules.check_may_send(channel, body, request.files, reference)
    rules.check_words(channel, body)
    nonce = body.get("nonce")
    if nonce is not None and body.get("enforce_nonce"):
        since = discord.clock.now() - NONCE_LASTS
        for message in channel.messages.values():
            if message.nonce == nonce and message.author is discord.bot and message.created_at > since:
                return 200, message.payload()
    message = channel.add(
        discord.bot,
        body.get("content") or "",
        embeds=shown_embeds(body.get("embeds")),
        components=shown_components(body.get("components")),
        files=request.files,
        reference=reference,
        allowed=body.get("allowed_mentions"),
        flags=(body.get("flags") or 0) & FLAGS_OF_A_SENDER,
        nonce=nonce,
    )
    return 200, message.payload()


@ROUTES.add("PATCH", "/channels/{channel_id}/messages/{message_id}", MESSAGES)
def edit_message(discord: Discord, request: Request) -> Answer:
    channel = find_channel(discord, request.id("channel_id"))
    message = find_message(channel, request.id("message_id"))
    if message.author is not discord.bot:
        raise not_the_author()
    if channel.archived:
        raise thread_archived()
    change(message, request.body, request.files)
    return 200, message.payload()


@ROUTES.add("PATCH", "/channels/{channel_id}")
def edit_channel(discord: Discord, request: Request) -> Answer:
    """Open an archived thread again, which everybody may who may write there."""
    channel = find_channel(discord, request.id("channel_id"))
    if request.body != {"archived": False} or not channel.is_thread:
        raise NotImplementedError(request.body)
    if channel.locked and Permission.MANAGE_THREADS not in channel.permissions(discord.bot):
        raise missing_permissions()
    channel.update(archived=False)
    return 200, payloads.channel(channel)


@ROUTES.add("POST", "/channels/{channel_id}/messages/{message_id}/threads")
def start_thread(discord: Discord, request: Request) -> Answer:
    """Start a thread with the id of the message that it grows from."""
    channel = find_channel(discord, request.id("channel_id"))
    message = find_message(channel, request.id("message_id"))
    if channel.kind != payloads.TEXT:
        raise Refused(400, 50024, "Cannot execute action on this channel type")
    if Permission.CREATE_PUBLIC_THREADS not in channel.permissions(discord.bot):
        raise missing_permissions()
    if message.id in discord.channels:
        raise Refused(400, 160004, "A thread has already been created for this message")
    rules.check_title(channel, request.body["name"])
    thread = channel.thread(request.body["name"], owner=discord.bot, thread_id=message.id)
    message.flags |= HAS_THREAD
    channel.announce("MESSAGE_UPDATE", message)
    return 201, payloads.channel(thread)


@ROUTES.add("DELETE", "/channels/{channel_id}/messages/{message_id}", DELETIONS)
def delete_message(discord: Discord, request: Request) -> Answer:
    channel = find_channel(discord, request.id("channel_id"))
    message = find_message(channel, request.id("message_id"))
    if message.author is not discord.bot:
        if channel.guild is None:
            raise not_in_direct_messages()
        if Permission.MANAGE_MESSAGES not in channel.permissions(discord.bot):
            raise missing_permissions()
    message.delete()
    return 204, None


@ROUTES.add("GET", "/applications/{application_id}/commands")
def list_commands(discord: Discord, request: Request) -> Answer:
    return 200, discord.commands.listed(None, localized=request.query.get("with_localizations") == "true")


@ROUTES.add("PUT", "/applications/{application_id}/commands")
def replace_commands(discord: Discord, request: Request) -> Answer:
    return 200, discord.commands.replace(None, request.body)


@ROUTES.add("GET", "/applications/{application_id}/guilds/{guild_id}/commands")
def list_guild_commands(discord: Discord, request: Request) -> Answer:
    localized = request.query.get("with_localizations") == "true"
    return 200, discord.commands.listed(find_guild(discord, request).id, localized=localized)


@ROUTES.add("PUT", "/applications/{application_id}/guilds/{guild_id}/commands")
def replace_guild_commands(discord: Discord, request: Request) -> Answer:
    return 200, discord.commands.replace(find_guild(discord, request).id, request.body)


def _reference(channel: Channel, reference: Json | None) -> Message | None:
    """The message replied to. If it is gone, the reply is refused unless the bot allows for that."""
    if reference is None:
        return None
    message = channel.messages.get(int(reference["message_id"]))
    if message is not None and message.deleted_at is None and not message.ephemeral:
        return message
    if reference.get("fail_if_not_exists", True):
        raise invalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
    return None


# Shared with the responses to interactions


def check_new(body: Json, files: dict[str, bytes]) -> None:
    others = ("embeds", "components", "poll", "sticker_ids")
    rules.check_message(body, filled=bool(files) or any(body.get(key) for key in others))


def change(message: Message, body: Json, files: dict[str, bytes]) -> None:
    """Edit a message: what is not in the body stays; an empty list or text removes."""
    attachments = _kept_and_new(message, body, files)
    left = message.attachments if attachments is None else attachments
    others = body.get("embeds", message.embeds) or body.get("components", message.components)
    content = message.content if "content" not in body else ""
    rules.check_message(body, filled=bool(left or others or content))
    rules.check_words(message.channel, body)
    message.edit(
        content=(body["content"] or "") if "content" in body else None,
        embeds=shown_embeds(body["embeds"]) if "embeds" in body else None,
        components=shown_components(body["components"]) if "components" in body else None,
        attachments=attachments,
        allowed=body.get("allowed_mentions"),
    )


def _kept_and_new(message: Message, body: Json, files: dict[str, bytes]) -> tuple[Attachment, ...] | None:
    if "attachments" not in body and not files:
        return None
    kept = message.attachments
    if body.get("attachments") is not None:
        listed = {int(each["id"]) for each in body["attachments"]}
        kept = tuple(each for each in kept if each.id in listed)
    return kept + message.channel.attach(files)


def shown_embeds(embeds: list[Json] | None) -> list[Json]:
    return [{"type": "rich"} | {k: v for k, v in embed.items() if v is not None} for embed in embeds or []]


def shown_components(components: list[Json] | None) -> list[Json]:
    """Components as Discord returns them: each with an id, without nulls."""
    count = 0

    def show(component: Json) -> Json:
        nonlocal count
        count += 1
        shown = {"id": count} | {key: value for key, value in component.items() if value is not None}
        if component["type"] in (3, 5, 6, 7, 8):
            shown = {"min_values": 1, "max_values": 1} | shown
        if "emoji" in shown:
            shown["emoji"] = {key: value for key, value in shown["emoji"].items() if value is not None}
        if "components" in shown:
            shown["components"] = [show(each) for each in shown["components"]]
        if "accessory" in shown:
            shown["accessory"] = show(shown["accessory"])
        return shown

    return [show(component) for component in components or []]
