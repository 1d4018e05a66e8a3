"""The sentence that a person is told of an error."""

import logging

from bot.engine import ModelError
from bot.errors import UserError
from bot.texts import NO_MODEL, UNEXPECTED

log = logging.getLogger(__name__)


def explain(error: BaseException) -> str:
    """What to tell the person who asked. An error that is nobody's fault but ours goes to the log, too."""
    if isinstance(error, ModelError):
        return NO_MODEL  # its own message, with the model's path, is for the operator
    if isinstance(error, UserError):
        return str(error)
    log.error("Something unexpected went wrong.", exc_info=error)
    return UNEXPECTED
