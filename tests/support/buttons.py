"""Presses what people can press: no button may be there that does nothing."""

from bot.messages.buttons import Action, Button
from bot.messages.review import ReviewButton, Verdict
from bot.texts import STALE
from tests.discord_stand_in import Discord, Interaction, Message, User

_QUIET = 0.2  # seconds after which no button is about to be replaced
_ORDER = (*Action, *Verdict)  # Stop first, Regenerate after Continue; what decides about an answer last

AnyButton = Button | ReviewButton


async def press_every_button(discord: Discord) -> None:
    """Press every button in sight. Raises AssertionError if one does nothing but say that it is stale."""
    for purpose in _ORDER:
        for channel in {message.channel for message, *_ in _seen(discord, purpose)}:
            await channel.quiet(_QUIET)
        for message, custom_id, button in _seen(discord, purpose):
            if custom_id in (shown.custom_id for shown in message.buttons):  # another press may have removed it
                await _press(message, custom_id, button)


def any_buttons(discord: Discord) -> bool:
    """Whether people see a button."""
    return any(_seen(discord, purpose) for purpose in _ORDER)


def _seen(discord: Discord, purpose: Action | Verdict) -> list[tuple[Message, str, AnyButton]]:
    """The messages with a button for a purpose."""
    return [
        (message, shown.custom_id, button)
        for channel in discord.channels.values()
        for message in channel.messages.values()
        if message.deleted_at is None and message.author is discord.bot
        for shown in message.buttons
        if (button := _parse(shown.custom_id or "")) and shown.custom_id and _purpose(button) is purpose
    ]


def _parse(custom_id: str) -> AnyButton | None:
    if match := Button.TEMPLATE.fullmatch(custom_id):
        return Button.parse(match)
    match = ReviewButton.TEMPLATE.fullmatch(custom_id)
    return ReviewButton.parse(match) if match else None


def _purpose(button: AnyButton) -> Action | Verdict:
    return button.action if isinstance(button, Button) else button.verdict


def _presser(message: Message, button: AnyButton) -> User:
    """The person, or the server's owner if they are not there any more, or have no say."""
    guild = message.channel.guild
    if isinstance(button, Button):
        person = message.channel.discord.users[button.person]
        if guild is None or message.visible_to or message.channel.visible_to(person):
            return person
    assert guild
    return guild.owner


async def _press(message: Message, custom_id: str, button: AnyButton) -> None:
    before = len(message.versions)
    content, labels = message.content, message.labels
    pressed = await _presser(message, button).press(message, custom_id)

    def changed() -> bool:
        return message.deleted_at is not None or any(
            version.components or version.content != content for version in message.versions[before:]
        )

    def told() -> bool:
        return pressed.modal is not None or any(answer is not message for answer in pressed.messages)

    vanishes = _purpose(button) in (Action.STOP, Action.AGREE, Action.REFUSE)
    await message.channel.discord.until(
        lambda: pressed.failed or changed() or told() or (vanishes and not message.buttons),
        failure=f"pressing {custom_id}, of {labels}, under {message!r} in {message.channel} had no effect",
    )
    assert not _is_dead(pressed), f"{custom_id} is dead under {message!r} in {message.channel}"


def _is_dead(pressed: Interaction) -> bool:
    return bool(pressed.failed) or any(message.content == STALE for message in pressed.messages)
