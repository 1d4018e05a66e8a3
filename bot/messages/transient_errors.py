"""What a request to Discord may fail with: what may be over at the next attempt, and what the text is to blame for."""

import aiohttp
import discord

TRANSIENT_ERRORS = (discord.DiscordServerError, aiohttp.ClientError, OSError, TimeoutError)
"""discord.py repeats a request after only some of them."""

REQUEST_ERRORS = (discord.HTTPException, *TRANSIENT_ERRORS)
"""All that a request to Discord may fail with: also what Discord refuses for good."""

_MODERATED = (20009, 200000, 200001, 240000)
"""Discord's codes for explicit content, for AutoMod (a message, a title), and for harmful links."""
_INVALID = (50006, 50035)
"""Discord's codes for an empty message and for a malformed one."""


def is_moderated(error: BaseException) -> bool:
    """Whether AutoMod or Discord does not allow a text, whoever says it."""
    return isinstance(error, discord.HTTPException) and error.code in _MODERATED


def is_refused_text(error: BaseException) -> bool:
    """Whether Discord will never take a text."""
    return is_moderated(error) or (isinstance(error, discord.HTTPException) and error.code in _INVALID)


def is_transient(error: BaseException) -> bool:
    """Whether an error is one of TRANSIENT_ERRORS, or a rate limit that outlasted discord.py's own attempts."""
    return isinstance(error, TRANSIENT_ERRORS) or (isinstance(error, discord.HTTPException) and error.status == 429)
