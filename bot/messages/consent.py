"""Asks people, privately and once, whether what they write may be kept for training."""

import logging

import discord

from bot.messages.buttons import Action, Button, with_view
from bot.messages.transient_errors import REQUEST_ERRORS
from bot.storage.examples import ExampleStore
from bot.texts import MAY_I_KEEP

log = logging.getLogger(__name__)


def decision(person: int) -> tuple[Button, Button]:
    """The buttons with which somebody decides."""
    return Button(Action.AGREE, person), Button(Action.REFUSE, person)


class Consent:
    """Asks those whose words would be kept, unless they have been asked or have decided."""

    def __init__(self, client: discord.Client, examples: ExampleStore) -> None:
        self._client = client
        self._examples = examples

    async def ask(self, person: int) -> None:
        """Ask in a direct message, which Discord may refuse. Raises DatabaseError."""
        if not await self._examples.may_ask(person):
            return
        try:
            direct = await self._client.create_dm(discord.Object(person))
            await direct.send(MAY_I_KEEP, **with_view(*decision(person)))
        except REQUEST_ERRORS as error:
            log.info("Somebody could not be asked whether what they write may be kept: %s", error)
