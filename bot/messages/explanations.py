"""The sentence that a person is told of an error."""

import logging

import discord

from bot.engine import ModelError
from bot.errors import UserError
from bot.messages.transient_errors import is_moderated
from bot.texts import BLOCKED_BY_SERVER, NO_MODEL, REFUSED_BY_DISCORD, UNEXPECTED

log = logging.getLogger(__name__)


def explain(error: BaseException) -> str:
    """What to tell the person who asked. An error that is nobody's fault but ours goes to the log, too."""
    if isinstance(error, ModelError):
        return NO_MODEL  # its own message, with the model's path, is for the operator
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, discord.HTTPException):
        log.warning("Discord refused a message: %s", error)
        return BLOCKED_BY_SERVER if is_moderated(error) else REFUSED_BY_DISCORD
    log.error("Something unexpected went wrong.", exc_info=error)
    return UNEXPECTED
