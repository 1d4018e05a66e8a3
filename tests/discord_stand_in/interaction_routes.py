"""The routes with which a bot responds to interactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import rules
from .errors import already_acknowledged, invalid, token_expired, unknown, unknown_interaction, unknown_webhook
from .interactions import COMMAND_AUTOCOMPLETE, COMMAND_RUN, COMPONENT, MODAL_SUBMIT, Interaction
from .messages import COMMAND, CONTEXT_COMMAND, DEFAULT, EPHEMERAL, LOADING, SUPPRESS_EMBEDS, Message
from .ratelimit import WEBHOOK
from .rest import Answer, Request, Routes
from .routes import FLAGS_OF_A_SENDER, change, check_new, shown_components, shown_embeds

if TYPE_CHECKING:
    from .server import Discord

Json = dict[str, Any]

ROUTES = Routes()

MESSAGE, DEFERRED_MESSAGE, DEFERRED_UPDATE, UPDATE, CHOICES, FORM = 4, 5, 6, 7, 8, 9
ANSWERS = {
    COMMAND_RUN: (MESSAGE, DEFERRED_MESSAGE, FORM),
    COMPONENT: (MESSAGE, DEFERRED_MESSAGE, DEFERRED_UPDATE, UPDATE, FORM),
    COMMAND_AUTOCOMPLETE: (CHOICES,),
    MODAL_SUBMIT: (MESSAGE, DEFERRED_MESSAGE, DEFERRED_UPDATE, UPDATE),
}
FLAGS_OF_AN_ANSWER = FLAGS_OF_A_SENDER | EPHEMERAL
ORIGINAL = "/webhooks/{webhook_id}/{webhook_token}/messages/@original"
FOLLOWUP = "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}"


@ROUTES.add("POST", "/interactions/{interaction_id}/{interaction_token}/callback")
def acknowledge(discord: Discord, request: Request) -> Answer:
    """The initial response, which must come within three seconds and only once."""
    interaction = discord.interactions.get(request.ids["interaction_token"])
    if interaction is None or interaction.id != request.id("interaction_id"):
        raise unknown_interaction()
    if interaction.acknowledged_at is not None:
        raise already_acknowledged()
    if interaction.too_late:
        raise unknown_interaction()
    kind, data = request.body["type"], request.body.get("data") or {}
    if kind not in ANSWERS[interaction.kind]:
        raise invalid("type", "BASE_TYPE_CHOICES", f"An interaction of type {interaction.kind} takes no answer {kind}.")
    _take(interaction, kind, data, request.files)
    interaction.acknowledged_at = discord.clock.now()
    interaction.channel.changed(interaction)
    if request.query.get("with_response") not in ("1", "true"):
        return 204, None
    return 200, _report(interaction, kind)


def _take(interaction: Interaction, kind: int, data: Json, files: dict[str, bytes]) -> None:
    if kind == MESSAGE:
        check_new(data, files)
        interaction.response = _add(interaction, data, files)
    elif kind == DEFERRED_MESSAGE:
        interaction.response = _add(interaction, data, {}, more_flags=LOADING)
    elif kind == CHOICES:
        interaction.choices = data["choices"]
    elif kind == FORM:
        interaction.modal = data
    else:
        interaction.response = interaction.source
        if kind == UPDATE and interaction.source is not None:
            change(interaction.source, data, files)


def _add(interaction: Interaction, data: Json, files: dict[str, bytes], *, more_flags: int = 0) -> Message:
    """Add a message in response to an interaction; it needs no permission in the channel."""
    rules.check_words(interaction.channel, data)
    kind = DEFAULT
    if interaction.kind == COMMAND_RUN and interaction.response is None:
        kind = COMMAND if interaction.data["type"] == 1 else CONTEXT_COMMAND
    return interaction.channel.add(
        interaction.discord.bot,
        data.get("content") or "",
        kind=kind,
        embeds=shown_embeds(data.get("embeds")),
        components=shown_components(data.get("components")),
        files=files,
        reference=interaction.response,
        allowed=data.get("allowed_mentions"),
        flags=(data.get("flags") or 0) & FLAGS_OF_AN_ANSWER | more_flags,
        interaction=interaction,
    )


def _report(interaction: Interaction, kind: int) -> Json:
    report: Json = {"id": str(interaction.id), "type": interaction.kind, "channel_id": str(interaction.channel.id)}
    if interaction.channel.guild:
        report["guild_id"] = str(interaction.channel.guild.id)
    if interaction.response is None:
        return {"interaction": report}
    report |= {
        "response_message_id": str(interaction.response.id),
        "response_message_loading": interaction.response.loading,
        "response_message_ephemeral": interaction.response.ephemeral,
    }
    if kind not in (MESSAGE, UPDATE):
        return {"interaction": report}
    return {"interaction": report, "resource": {"type": kind, "message": interaction.response.payload()}}


def _find(discord: Discord, request: Request) -> Interaction:
    """The interaction of a token that has not expired."""
    interaction = discord.interactions.get(request.ids["webhook_token"])
    if interaction is None or request.id("webhook_id") != discord.application.id:
        raise unknown_webhook()
    if interaction.expired:
        raise token_expired()
    if interaction.acknowledged_at is None:
        raise unknown_webhook()
    return interaction


def _find_message(discord: Discord, request: Request) -> Message:
    """The original response, or the message with the id in the path."""
    interaction = _find(discord, request)
    answers = [interaction.response, *interaction.followups]
    if "message_id" in request.ids:
        answers = [m for m in answers if m is not None and m.id == request.id("message_id")]
    if not answers or answers[0] is None or answers[0].deleted_at is not None:
        raise unknown("Message")
    return answers[0]


@ROUTES.add("POST", "/webhooks/{webhook_id}/{webhook_token}", WEBHOOK)
def follow_up(discord: Discord, request: Request) -> Answer:
    interaction = _find(discord, request)
    check_new(request.body, request.files)
    response = interaction.response
    if response is not None and response.loading and response.deleted_at is None:
        # The first follow-up replaces "thinking…" and is ephemeral if that was.
        change(response, request.body, request.files)
        message = response
    else:
        message = _add(interaction, request.body, request.files)
        interaction.followups.append(message)
        interaction.channel.changed(interaction)
    return (200, message.payload()) if request.query.get("wait") in ("1", "true") else (204, None)


@ROUTES.add("GET", ORIGINAL, WEBHOOK)
@ROUTES.add("GET", FOLLOWUP, WEBHOOK)
def get_answer(discord: Discord, request: Request) -> Answer:
    return 200, _find_message(discord, request).payload()


@ROUTES.add("PATCH", ORIGINAL, WEBHOOK)
@ROUTES.add("PATCH", FOLLOWUP, WEBHOOK)
def edit_answer(discord: Discord, request: Request) -> Answer:
    message = _find_message(discord, request)
    if "flags" in request.body:
        message.flags = message.flags & ~SUPPRESS_EMBEDS | (request.body["flags"] or 0) & SUPPRESS_EMBEDS
    change(message, request.body, request.files)
    return 200, message.payload()


@ROUTES.add("DELETE", ORIGINAL, WEBHOOK)
@ROUTES.add("DELETE", FOLLOWUP, WEBHOOK)
def delete_answer(discord: Discord, request: Request) -> Answer:
    _find_message(discord, request).delete()
    return 204, None
