"""What a request to Discord may fail with, and which of that may be over at the next attempt."""

import aiohttp
import discord

TRANSIENT_ERRORS = (discord.DiscordServerError, aiohttp.ClientError, OSError, TimeoutError)
"""discord.py repeats a request after only some of them."""

REQUEST_ERRORS = (discord.HTTPException, *TRANSIENT_ERRORS)
"""All that a request to Discord may fail with: also what Discord refuses for good."""


def is_transient(error: BaseException) -> bool:
    """Whether an error is one of TRANSIENT_ERRORS, or a rate limit that outlasted discord.py's own attempts."""
    return isinstance(error, TRANSIENT_ERRORS) or (isinstance(error, discord.HTTPException) and error.status == 429)
