"""Objects as Discord writes them in JSON, with every key that its description requires."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .clock import iso

if TYPE_CHECKING:
    from .channels import Channel
    from .guilds import Guild, Membership, Role
    from .messages import Attachment, Message
    from .people import User
    from .server import Application

Json = dict[str, Any]

DIRECT, TEXT, CATEGORY, PUBLIC_THREAD, FORUM = 1, 0, 4, 11, 15


def user(user: User) -> Json:
    return {
        "id": str(user.id),
        "username": user.username,
        "global_name": user.global_name,
        "discriminator": "0000" if user.bot else "0",
        "avatar": None,
        "bot": user.bot,
        "public_flags": 0,
        "flags": 0,
        "primary_guild": None,
    }


def own_user(bot: User) -> Json:
    return {**user(bot), "mfa_enabled": True, "locale": "en-US", "verified": True, "email": None}


def member(membership: Membership) -> Json:
    """A member without the user, as it accompanies the author of a message."""
    return {
        "nick": membership.nick,
        "roles": [str(role.id) for role in membership.roles],
        "joined_at": iso(membership.joined_at),
        "avatar": None,
        "banner": None,
        "communication_disabled_until": None,
        "premium_since": None,
        "flags": 0,
        "pending": False,
        "mute": False,
        "deaf": False,
    }


def full_member(membership: Membership) -> Json:
    return {**member(membership), "user": user(membership.user)}


def role(role: Role) -> Json:
    return {
        "id": str(role.id),
        "name": role.name,
        "permissions": str(int(role.permissions)),
        "position": role.position,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": role.bot is not None,
        "mentionable": role.mentionable,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
        **({"tags": {"bot_id": str(role.bot.id)}} if role.bot else {}),
    }


def channel(channel: Channel) -> Json:
    last = str(max(channel.messages)) if channel.messages else None
    common: Json = {"id": str(channel.id), "type": channel.kind, "flags": 0, "last_message_id": last}
    if channel.guild is None:
        return {**common, "recipients": [user(someone) for someone in channel.recipients]}
    common |= {
        "guild_id": str(channel.guild.id),
        "name": channel.name,
        "parent_id": str(channel.parent.id) if channel.parent else None,
        "rate_limit_per_user": 0,
    }
    if channel.is_thread:
        return common | {
            "owner_id": str((channel.owner or channel.guild.owner).id),
            "message_count": len(channel.messages),
            "member_count": 1,
            "total_message_sent": len(channel.messages),
            "thread_metadata": {
                "archived": channel.archived,
                "archive_timestamp": iso(channel.created_at),
                "auto_archive_duration": 1440,
                "locked": channel.locked,
                "create_timestamp": iso(channel.created_at),
            },
        }
    return common | {
        "position": channel.position,
        "nsfw": False,
        "topic": channel.topic,
        "permission_overwrites": [
            {"id": str(target), "type": kind, "allow": str(int(allow)), "deny": str(int(deny))}
            for target, (kind, allow, deny) in channel.overwrites.items()
        ],
    }


def guild(guild: Guild) -> Json:
    return {
        "id": str(guild.id),
        "name": guild.name,
        "owner_id": str(guild.owner.id),
        "roles": [role(each) for each in guild.roles.values()],
        "features": [],
        "emojis": [],
        "stickers": [],
        "icon": None,
        "description": None,
        "home_header": None,
        "splash": None,
        "discovery_splash": None,
        "banner": None,
        "application_id": None,
        "region": "deprecated",
        "afk_channel_id": None,
        "afk_timeout": 300,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "widget_enabled": False,
        "widget_channel_id": None,
        "verification_level": 0,
        "default_message_notifications": 0,
        "mfa_level": 0,
        "explicit_content_filter": 0,
        "max_presences": None,
        "max_members": 500_000,
        "max_stage_video_channel_users": 50,
        "max_video_channel_users": 25,
        "vanity_url_code": None,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "preferred_locale": "en-US",
        "rules_channel_id": None,
        "safety_alerts_channel_id": None,
        "public_updates_channel_id": None,
        "premium_progress_bar_enabled": False,
        "nsfw": False,
        "nsfw_level": 0,
        "incidents_data": None,
    }


def own_guild(guild_: Guild) -> Json:
    """A server in the list of the bot's servers."""
    kept = {key: value for key, value in guild(guild_).items() if key in ("id", "name", "icon", "banner", "features")}
    bot = guild_.discord.bot
    return kept | {"owner": guild_.owner is bot, "permissions": str(int(guild_.permissions(bot)))}


def guild_create(guild_: Guild, *, all_members: bool) -> Json:
    """GUILD_CREATE; without the members intent, the bot is the only member in it."""
    bot = guild_.discord.bot
    members = [m for m in guild_.members.values() if all_members or m.user is bot]
    visible = [c for c in guild_.channels.values() if c.visible_to(bot)]
    return guild(guild_) | {
        "joined_at": iso(guild_.members[bot.id].joined_at),
        "large": False,
        "member_count": len(guild_.members),
        "members": [full_member(m) for m in members],
        "channels": [channel(c) for c in visible if not c.is_thread],
        "threads": [channel(c) for c in visible if c.is_thread and not c.archived],
        "presences": [],
        "voice_states": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def attachment(attachment: Attachment) -> Json:
    content_type = attachment.content_type
    return ({"content_type": content_type} if content_type else {}) | {
        "id": str(attachment.id),
        "filename": attachment.filename,
        "size": len(attachment.data),
        "url": attachment.url,
        "proxy_url": attachment.url,
    }


def message(message: Message) -> Json:
    """A message as REST returns it, with the message it replies to."""
    payload = _basic_message(message)
    if message.reference is not None:
        gone = message.reference.deleted_at is not None
        payload["referenced_message"] = None if gone else _basic_message(message.reference)
    return payload


def _basic_message(message: Message) -> Json:
    payload: Json = {
        "id": str(message.id),
        "channel_id": str(message.channel.id),
        "type": message.kind,
        "author": user(message.author),
        "content": message.content,
        "timestamp": iso(message.created_at),
        "edited_timestamp": iso(message.edited_at) if message.edited_at is not None else None,
        "mentions": [user(someone) for someone in message.mentions.users],
        "mention_roles": [str(role.id) for role in message.mentions.roles],
        "mention_everyone": message.mentions.everyone,
        "attachments": [attachment(each) for each in message.attachments],
        "embeds": message.embeds,
        "components": message.components,
        "flags": message.flags,
        "pinned": False,
        "tts": False,
    }
    if message.nonce is not None:
        payload["nonce"] = message.nonce
    if message.poll is not None:
        payload["poll"] = message.poll
    if thread := message.started_thread:
        payload["thread"] = channel(thread)
    if message.stickers:
        payload["sticker_items"] = sticker_items(message)
    if message.author.webhook:
        payload["webhook_id"] = str(message.author.id)
    if message.reference is not None:
        payload["message_reference"] = {
            "type": 0,
            "message_id": str(message.reference.id),
            "channel_id": str(message.channel.id),
        }
        if message.channel.guild:
            payload["message_reference"]["guild_id"] = str(message.channel.guild.id)
    if message.forwarded is not None:
        source = message.forwarded
        payload["message_reference"] = {
            "type": 1,
            "message_id": str(source.id),
            "channel_id": str(source.channel.id),
        }
        payload["message_snapshots"] = [{"message": snapshot(source)}]
    if message.interaction is not None:
        application = str(message.channel.discord.application.id)
        payload |= {"application_id": application, "webhook_id": application}
        payload["interaction_metadata"] = message.interaction.metadata()
    return payload


def sticker_items(message: Message) -> list[Json]:
    return [{"id": str(number), "name": name, "format_type": 1} for number, name in enumerate(message.stickers, 1)]


def snapshot(message: Message) -> Json:
    """What a message shows of another one that it forwards."""
    full = _basic_message(message)
    kept = "type content mentions mention_roles attachments embeds timestamp edited_timestamp flags components".split()
    return {key: full[key] for key in kept} | {"sticker_items": sticker_items(message)}


def message_event(message_: Message) -> Json:
    """MESSAGE_CREATE and MESSAGE_UPDATE, with the server, and members beside their users."""
    payload = message(message_)
    guild = message_.channel.guild
    if guild is None:
        return payload
    payload["guild_id"] = str(guild.id)
    if author := guild.members.get(message_.author.id):
        payload["member"] = member(author)
    for mentioned in payload["mentions"]:
        if membership := guild.members.get(int(mentioned["id"])):
            mentioned["member"] = member(membership)
    return payload


def without_content(payload: Json) -> Json:
    """A message that is not for the bot, as one without the Message Content intent receives it."""
    blank: Json = {"content": "", "embeds": [], "attachments": [], "components": []}
    snapshots = [{"message": each["message"] | blank} for each in payload.get("message_snapshots") or []]
    kept = {key: value for key, value in payload.items() if key not in ("poll", "message_snapshots")}
    return kept | blank | ({"message_snapshots": snapshots} if snapshots else {})


def application(application: Application) -> Json:
    team = None
    if application.team:
        members = [
            {
                "user": user(someone),
                "team_id": str(application.team_id),
                "membership_state": 2,
                "role": "admin",
                "permissions": ["*"],
            }
            for someone in application.team
        ]
        team = {
            "id": str(application.team_id),
            "name": "The team",
            "icon": None,
            "owner_user_id": str(application.team[0].id),
            "members": members,
        }
    return {
        "id": str(application.id),
        "name": application.bot.username,
        "icon": None,
        "description": "",
        "type": None,
        "bot": user(application.bot),
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "flags": application.flags,
        "flags_new": str(application.flags),
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "owner": user(application.owner),
        "approximate_guild_count": 1,
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "team": team,
        "eligible_oauth2_scopes": [],
    }
