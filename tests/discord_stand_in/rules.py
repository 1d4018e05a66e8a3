"""What Discord refuses although its published description allows it."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from .errors import (
    Refused,
    blocked_by_automod,
    cannot_direct_message,
    empty_message,
    invalid,
    missing_access,
    missing_permissions,
    reply_needs_history,
    thread_locked,
    title_blocked_by_automod,
)
from .messages import COMPONENTS_V2, components_within
from .permissions import Permission

if TYPE_CHECKING:
    from .channels import Channel
    from .messages import Message

Json = dict[str, Any]

CONTENT_LIMIT = 2000
EMBED_LIMIT = 6000
LINK, PREMIUM = 5, 6

MESSAGE_KEYS = frozenset(
    "content embeds allowed_mentions components attachments flags tts poll sticker_ids nonce enforce_nonce "
    "message_reference username avatar_url thread_name applied_tags".split()
)
COMMAND_KEYS = frozenset(
    "id type name name_localizations description description_localizations options default_member_permissions "
    "dm_permission contexts integration_types nsfw handler".split()
)
COMMAND_NAME = re.compile(r"[-_'\w]{1,32}")


def check_message(body: Json, *, filled: bool) -> None:
    """Check the body of a new or edited message; `filled`: it would not be empty without the content."""
    _check_keys(body, MESSAGE_KEYS)
    content = (body.get("content") or "").strip()
    if len(content) > CONTENT_LIMIT:
        raise invalid("content", "BASE_TYPE_MAX_LENGTH", f"Must be {CONTENT_LIMIT} or fewer in length.")
    if not content and not filled:
        raise empty_message()
    _check_embeds(body.get("embeds") or [])
    if (body.get("flags") or 0) & COMPONENTS_V2 and (content or body.get("embeds")):
        raise invalid("content", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", "Cannot be used.")
    check_components(body.get("components") or [], free=bool((body.get("flags") or 0) & COMPONENTS_V2))
    _check_allowed_mentions(body.get("allowed_mentions") or {})


def _check_keys(body: Json, known: frozenset[str]) -> None:
    for key in body.keys() - known:
        raise invalid(key, "UNKNOWN_KEY", f"Unknown key {key!r}.")


def _check_embeds(embeds: list[Json]) -> None:
    total = 0
    for embed in embeds:
        texts = [embed.get("title"), embed.get("description"), (embed.get("footer") or {}).get("text")]
        texts += [text for each in embed.get("fields") or [] for text in (each["name"], each["value"])]
        total += sum(len(text) for text in texts if text)
    if total > EMBED_LIMIT:
        raise invalid("embeds", "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {EMBED_LIMIT}")


def check_components(components: list[Json], *, free: bool) -> None:
    """Check buttons and rows; `free` is the newer layout, where rows may be among other components."""
    if not free and (len(components) > 5 or any(c["type"] != 1 for c in components)):
        raise invalid("components", "BASE_TYPE_BAD_LENGTH", "Must be at most 5 rows.")
    seen = Counter[str]()
    for component in components_within(components):
        if component["type"] == 1 and not 1 <= len(component.get("components") or []) <= 5:
            raise invalid("components", "BASE_TYPE_BAD_LENGTH", "A row holds between 1 and 5 components.")
        if component["type"] == 2:
            _check_button(component)
        if custom_id := component.get("custom_id"):
            seen[custom_id] += 1
    if any(count > 1 for count in seen.values()):
        raise invalid("components", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")


def _check_button(button: Json) -> None:
    style = button.get("style")
    if style == LINK:
        if not button.get("url") or button.get("custom_id"):
            raise invalid("components", "BASE_TYPE_REQUIRED", "A link button has a url and no custom_id.")
    elif style != PREMIUM and not button.get("custom_id"):
        raise invalid("components", "BASE_TYPE_REQUIRED", "A button needs a custom_id.")
    if style != PREMIUM and not button.get("label") and not button.get("emoji"):
        raise invalid("components", "BASE_TYPE_REQUIRED", "A button needs a label or an emoji.")


def _check_allowed_mentions(allowed: Json) -> None:
    for kind in ("users", "roles"):
        if kind in (allowed.get("parse") or []) and allowed.get(kind):
            words = f"parse:[{kind!r}] and {kind}: [ids...] are mutually exclusive."
            raise invalid("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", words)


def check_may_see(channel: Channel) -> None:
    if not channel.visible_to(channel.discord.bot):
        raise missing_access()


def check_may_send(channel: Channel, body: Json, files: dict[str, bytes], reference: Message | None) -> None:
    """Check that the bot may send this message to this channel."""
    check_may_see(channel)
    granted = channel.permissions(channel.discord.bot)
    needed = channel.send_permission
    if files:
        needed |= Permission.ATTACH_FILES
    if body.get("embeds"):
        needed |= Permission.EMBED_LINKS
    if granted & needed != needed:
        raise missing_permissions()
    if reference is not None and Permission.READ_MESSAGE_HISTORY not in granted:
        raise reply_needs_history()
    if channel.locked and Permission.MANAGE_THREADS not in granted:
        raise thread_locked()
    if any(someone.blocks_direct_messages for someone in channel.recipients):
        raise cannot_direct_message()


def check_words(channel: Channel, body: Json) -> None:
    """Check a new or edited message for the words that its server blocks."""
    words = (body.get("content") or "").lower()
    if channel.guild and any(word in words for word in channel.guild.blocked_words):
        raise blocked_by_automod()


def check_title(channel: Channel, title: str) -> None:
    """Check the title of a thread as `check_words` does messages."""
    if channel.guild and any(word in title.lower() for word in channel.guild.blocked_words):
        raise title_blocked_by_automod()


def check_commands(bodies: list[Json]) -> None:
    """Check a set of commands that is being registered."""
    if len(bodies) > 100:
        raise Refused(400, 30032, "Maximum number of application commands reached (100)")
    names = Counter((body.get("type") or 1, body["name"]) for body in bodies)
    for index, body in enumerate(bodies):
        _check_keys(body, COMMAND_KEYS)
        if (body.get("type") or 1) == 1:
            _check_slash_command(body, str(index))
        if names[body.get("type") or 1, body["name"]] > 1:
            words = "Application command names must be unique"
            raise invalid(f"{index}.name", "APPLICATION_COMMANDS_DUPLICATE_NAME", words)


def _check_slash_command(command: Json, path: str) -> None:
    """Check a command, group or option, as names and descriptions follow the same rules."""
    name = command["name"]
    if not COMMAND_NAME.fullmatch(name) or name != name.lower():
        raise invalid(f"{path}.name", "APPLICATION_COMMAND_INVALID_NAME", f"Command name is invalid: {name!r}")
    if not 1 <= len(command.get("description") or "") <= 100:
        raise invalid(f"{path}.description", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
    for locale, translated in (command.get("name_localizations") or {}).items():
        if not COMMAND_NAME.fullmatch(translated) or translated != translated.lower():
            where = f"{path}.name_localizations.{locale}"
            raise invalid(where, "APPLICATION_COMMAND_INVALID_NAME", f"Command name is invalid: {translated!r}")
    for locale, translated in (command.get("description_localizations") or {}).items():
        if not 1 <= len(translated) <= 100:
            where = f"{path}.description_localizations.{locale}"
            raise invalid(where, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
    options = command.get("options") or []
    if len(options) > 25:
        raise invalid(f"{path}.options", "BASE_TYPE_BAD_LENGTH", "Must be 25 or fewer in length.")
    required = [bool(option.get("required")) for option in options]
    if required != sorted(required, reverse=True):
        words = "Required options must be placed before non-required options"
        raise invalid(f"{path}.options", "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", words)
    for index, option in enumerate(options):
        _check_slash_command(option, f"{path}.options.{index}")
