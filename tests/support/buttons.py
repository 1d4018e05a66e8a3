"""Presses what people can press: no button may be there that does nothing."""

from bot.messages.buttons import Action, Button
from bot.texts import STALE
from tests.discord_stand_in import Discord, Interaction, Message, User

_QUIET = 0.2  # seconds after which no button is about to be replaced


async def press_every_button(discord: Discord) -> None:
    """Press every button in sight, Stop first. Raises AssertionError if one does nothing but say that it is stale."""
    for action in Action:
        if _seen(discord, action):
            await discord.quiet(_QUIET)
        for message, button in _seen(discord, action):
            await _press(message, button)


def any_buttons(discord: Discord) -> bool:
    """Whether people see a button."""
    return any(_seen(discord, action) for action in Action)


def _seen(discord: Discord, action: Action) -> list[tuple[Message, Button]]:
    """The messages with a button for an action."""
    messages = [
        message
        for channel in discord.channels.values()
        for message in channel.messages.values()
        if message.deleted_at is None and message.author is discord.bot
    ]
    found = [
        (message, Button.parse(match))
        for message in messages
        for button in message.buttons
        if (match := Button.TEMPLATE.fullmatch(button.custom_id or ""))
    ]
    return [(message, button) for message, button in found if button.action is action]


def _presser(message: Message, button: Button) -> User:
    """The asker, or the server's owner if the asker is not there any more."""
    asker = message.channel.discord.users[button.asker]
    guild = message.channel.guild
    return asker if guild is None or message.visible_to or message.channel.visible_to(asker) else guild.owner


async def _press(message: Message, button: Button) -> None:
    before = len(message.versions)
    pressed = await _presser(message, button).press(message, message.labels[0])

    def changed() -> bool:
        return message.deleted_at is not None or any(version.components for version in message.versions[before:])

    def told() -> bool:
        return any(answer is not message for answer in pressed.messages)

    await message.channel.discord.until(
        lambda: pressed.failed or changed() or told() or (button.action is Action.STOP and not message.buttons),
        failure=f"pressing {message.labels} under {message!r} in {message.channel} had no effect",
    )
    assert not _is_dead(pressed), f"{button.action} is dead under {message!r} in {message.channel}"


def _is_dead(pressed: Interaction) -> bool:
    return bool(pressed.failed) or any(message.content == STALE for message in pressed.messages)
