"""Logging in: what Discord refuses for good, told to the operator, and the pauses between attempts."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import discord
from discord.backoff import ExponentialBackoff

from bot.errors import UserError
from bot.messages.transient_errors import REQUEST_ERRORS, is_transient
from bot.texts import GET_TOKEN, WRONG_TOKEN, needs_intent, switch_on_intent

log = logging.getLogger(__name__)

_WRONG_TOKEN = f"{WRONG_TOKEN} {GET_TOKEN}"
_CLOSE_CODES = {
    4004: _WRONG_TOKEN,
    4010: "Discord does not know such a shard. Set SHARD_COUNT and SHARD_IDS anew, or leave both blank.",
    4011: (
        "Discord wants the bot's servers divided among more shards. Set SHARD_COUNT higher, or leave it blank;"
        " python -m bot check tells how many Discord recommends."
    ),
}


class DiscordError(UserError):
    """Discord refuses the bot; the message says what to do about it."""


class Unreachable(Exception):
    """Discord cannot be reached at the moment."""


@contextmanager
def explained(need_message_content: Sequence[str]) -> Iterator[None]:
    """Raise DiscordError for what Discord refuses for good, and Unreachable for what may be over next time.

    Takes the settings that need the Message Content intent.
    """
    try:
        yield
    except discord.LoginFailure:
        raise DiscordError(_WRONG_TOKEN) from None
    except discord.PrivilegedIntentsRequired:
        raise DiscordError(
            f"Discord refuses {needs_intent(need_message_content)}. {switch_on_intent(need_message_content)}"
        ) from None
    except discord.ConnectionClosed as closed:
        if sentence := _CLOSE_CODES.get(closed.code):
            raise DiscordError(sentence) from None
        raise DiscordError(f"Discord closed the connection for good: {closed}") from closed
    except REQUEST_ERRORS as error:
        if is_transient(error):
            raise Unreachable(str(error) or type(error).__name__) from error
        raise DiscordError(
            f"Discord does not let the bot start: {error}. If GUILD_ID is set, the bot must be in that server, invited"
            " with the scope applications.commands; python -m bot check looks at that."
        ) from error


class Retries:
    """Pauses between attempts to reach Discord, ever longer ones."""

    def __init__(self) -> None:
        self._backoff: ExponentialBackoff[bool] = ExponentialBackoff()

    async def pause(self, error: BaseException) -> None:
        """Log why the last attempt failed, and wait until the next is due."""
        delay, reason = self._backoff.delay(), str(error) or type(error).__name__
        log.warning("Discord cannot be reached (%s); trying again in %.0f s. Is this machine online?", reason, delay)
        await asyncio.sleep(delay)
