"""What Parley itself says to people, apart from the model's answers: short, friendly, exact."""

import math
from collections.abc import Mapping, Sequence

ONLY_TEXT = "I only understand text, so I can't see what you sent. Tell me about it in words."
UNREADABLE_REPLY = "Discord shows me a reply only when it pings me. Switch its @ on, or mention me."
NO_ANSWER = "The model had nothing to say to that. Please put it another way."
ONLY_THOUGHT = "I thought about that until I ran out of room for an answer. Ask for less, or for something simpler."
UNEXPECTED = "Something went wrong while I was answering; it is in my log. Please try again."
NO_MODEL = "My model can't be loaded, so I can't answer. Whoever runs me finds the reason in my log."
OUT_OF_REACH = "My model is out of reach just now. Please try again in a while; whoever runs me finds why in my log."
REFUSED = "My model's server does not take that question. Whoever runs me finds why in my log."
BROKEN_OFF = "The connection to my model broke in the middle of this answer. Please ask again."
TOO_LONG = "That message is too long for my model. Please shorten it."
ENGINE_FAILED = (
    "The engine fails again and again, as the log tells. Start Parley anew; a supervisor can do that by itself."
)
WRONG_TOKEN = "Discord refuses the token."
GET_TOKEN = (
    "Copy it again (or reset it) under Bot in the developer portal, https://discord.com/developers/applications, and"
    " set DISCORD_TOKEN to it."
)
SWITCH_ON_INTENT = (
    "Switch it on under Bot in the developer portal, https://discord.com/developers/applications, or empty"
    " CHAT_CHANNELS."
)
NO_MEMORY = "I can't use my memory just now. Whoever runs me finds the reason in my log."
INTERRUPTED = "I was interrupted here, as I was started anew. Regenerate, or ask again."
COMMAND_INTERRUPTED = "I was interrupted here, as I was started anew. Please ask again."
UNDELIVERABLE = "Discord didn't take my answer for an hour. Please ask again."
OUT_OF_TIME = "That took longer than the 15 minutes that Discord gives me for a private answer. Mention me instead."
GOES_ON_BELOW = "This takes longer than the 15 minutes that Discord gives me for a command. It goes on below."
THINKING = "I am thinking about it."
STOPPED_WAITING = "Stopped before I began to answer."
MAY_NOT_WRITE = "I wanted to answer you, but I may not write there. An admin of the server can change that."
SHUTTING_DOWN = "I am just shutting down, so I can't answer that now. Please ask again when I am back."
QUITTING = "I am shutting down."
QUITTING_HERE = "I am shutting down here. I run as several processes, and the others, which serve other servers, go on."
NOT_YOURS = "Only the person who asked, or somebody who may manage messages here, can do that."
STALE = "That answer has moved on, so there is nothing to do here any more."
OWNER_ONLY = "Only my owner can shut me down."

BLOCKED = "Whoever runs me has decided that I don't answer you."
NOT_HERE = "I don't answer here. Whoever runs me decides where I do."
ONE_AT_A_TIME = "One answer for you is under way and one is waiting. Please let them come first."
PERSONA_BLANK = "There was no text in it, so nothing has changed. /persona clear takes a persona away."
PERSONA_OF_THIS = "This is my persona here:"
PERSONA_OF_PARENT = "This is my persona here; it is that of the channel that this thread is in:"
NO_PERSONA = "There is no persona of this channel's own. I am told what whoever runs me has set for all channels."
SET_HERE, SET_IN_PARENT, SET_FOR_ALL = "set here", "set in the channel that this thread is in", "as for all channels"
_LABELS = {
    "temperature": "Temperature",
    "answer_length": "Answer length in tokens",
    "turns": "Turns remembered",
}
STOP, REGENERATE = "Stop", "Regenerate"  # the buttons
LOADING, READY = "Loading the model…", "Mention me to talk"  # what Discord shows beside the bot's name
BANNER = """\
Parley in the terminal. Say something and press Enter.
  clear          forget what was said
  regenerate     another answer to the last question
  quit, exit, q  leave (or Ctrl+D)
  Ctrl+C         stop an answer
"""
NOTHING_TO_EXPORT = "I remember nothing of this channel."
NOTHING_TO_REGENERATE = "There is no answer yet that I could give again."

# Commands, as Discord lists them, at most 100 characters; `bot.translations` has them in other languages.
ASK = "Ask one question by itself, without this channel's conversation"
ASK_PROMPT = "Your question"
ASK_PRIVATE = "Show the answer to you alone"
ABOUT_MESSAGE = "Ask about this message"
QUESTION = "Your question about it"
CLEAR = "Forget the conversation in this channel"
HELP = "What I do, my commands, and what I remember"
STATUS = "How I am: the model, what it is doing, and how fast"
FORGET = "Forget everything that you asked me, in all channels"
EXPORT = "Get what I remember of this channel, as a file"
EXPORT_FORMAT = "JSON, or CSV for a spreadsheet"
PERSONA = "What I am told about myself in this channel"
PERSONA_SET = "Write what I am told about myself in this channel"
PERSONA_SHOW = "Show what I am told about myself in this channel to you alone"
PERSONA_CLEAR = "Take this channel's own persona away"
SETTINGS = "Show how I answer in this channel, or change it"
SETTINGS_TEMPERATURE = "How freely words are chosen; 0 always takes the likeliest"
SETTINGS_LENGTH = "The longest answer, in tokens"
SETTINGS_TURNS = "How many questions and answers I remember; older ones are forgotten at once"
SETTINGS_RESET = "Take back what was set here; the persona stays"
QUIT = "Shut the bot down (only for its owner)"

# In an export, the heading of what is remembered of older turns.
BEFORE = "What was said before, in short"

# The form of /persona set, at most 45 characters.
PERSONA_TITLE = "My persona in this channel"
PERSONA_FIELD = "What I am told about myself"


def help_text(me: str, commands: Mapping[str, str], turns: int) -> str:
    """What /help says; `me` mentions the bot, `commands` are its commands by name, clickable where possible.

    `turns` is how many are remembered where it was asked for.
    """
    memory = (
        f"Here I remember the last {turns} questions and answers, across restarts, until newer ones take their place or"
        f" somebody uses {commands['clear']}. Each channel, thread and direct conversation has a memory of its own."
        if turns
        else "Here I remember nothing: every message stands by itself."
    )
    return f"""\
I answer with a language model that my owner runs. It can be wrong.

Mention me ({me}), reply to me, or write to me directly. With a reply to somebody else's message that mentions me, I \
read that message too.
{commands["ask"]} answers one question by itself, in private if you like.
{commands["clear"]} makes me forget the conversation in a channel, {commands["forget"]} all that you asked me anywhere.
{commands["export"]} gives what I remember of a channel as a file.
{commands["persona set"]} and {commands["settings"]} change how I answer in a channel, for who may manage it.
{commands["status"]} tells how I am.
{commands["quit"]} ends me; only my owner can do that.
{ABOUT_MESSAGE}, under Apps in the menu of a message, answers a question about it.
Under an answer, Stop ends it, and Regenerate gives another one in its place.

{memory} What I leave out of that: {commands["ask"]}, and whatever is not said to me."""


def status_text(
    *,
    model: str,
    precision: str | None,
    running: int,
    waiting: int,
    speed: float | None,
    memory: int,
    latency: float,
    stall: float,
    uptime: float,
    version: str,
    shards: str,
) -> str:
    """What /status says; `memory` is in bytes, the times are in seconds, `precision` is None while the model loads.

    `shards` are those of this process, if there are others; they have their own numbers.
    """
    process = f"\nOne process of several, with the shards {shards}" if shards else ""
    tokens = "no answer yet" if speed is None else f"{speed:.1f} tokens per second lately"
    gateway = f"{latency * 1000:.0f} ms" if math.isfinite(latency) else "not measured yet"
    return f"""\
Model: {model} ({precision or "loading"})
Answers: {running} running, {waiting} waiting; {tokens}
Memory: {memory / 1e9:.2f} GB
Discord's gateway: {gateway}
Longest stall of the event loop in the last minute: {stall * 1000:.0f} ms
Up for {_duration(uptime)}, Parley {version}{process}"""


def question_too_long(tokens: int, limit: int) -> str:
    """`tokens` is the length of the question, `limit` what there is room for."""
    if limit <= 0:
        return (
            "What I am told about myself here leaves no room for a question. If that is this channel's persona, who"
            " manages the channel can shorten it with /persona set; else whoever runs me can shorten SYSTEM_PROMPT, or"
            " raise MAX_PROMPT_TOKENS."
        )
    return f"That message is too long for me: it has {tokens} tokens and may have at most {limit}. Please shorten it."


def beyond_limit(setting: str, least: float, most: float) -> str:
    """When a channel is to have a setting, by its name in /settings, that the operator does not allow."""
    return (
        f"{_LABELS[setting]} may be set from {least:g} to {most:g}; whoever runs me decides that. Nothing has changed."
    )


def persona_set(length: int) -> str:
    """After /persona set; `length` is in characters."""
    return (
        f"From now on this is my persona here: {length} character{'' if length == 1 else 's'}. What I said before may"
        " still colour what I say; /clear makes me forget it."
    )


def setting(name: str, value: float, origin: str, wanted: float | None, least: float, most: float) -> str:
    """A line of what /settings says: the value that holds, where it comes from, and between which ones it may be set.

    `wanted` is what was set, which the operator may not allow any more.
    """
    beyond = "" if wanted in (None, value) else f" to {wanted:g}"
    return f"{_LABELS[name]}: {value:g} ({origin}{beyond}; may be set from {least:g} to {most:g})"


def settings_text(lines: Sequence[str], persona: str) -> str:
    """What /settings says; `persona` is where that comes from."""
    return "\n".join(["How I answer here:", *lines, f"Persona: {persona}"])


def forgot_person(turns: int, *, everywhere: bool) -> str:
    """After /forget; `turns` is how many there were. Not `everywhere`: another process may remember others."""
    count = f"{turns} turn{'' if turns == 1 else 's'}"
    if everywhere:
        return f"I have forgotten everything that you asked me, in all channels: {count}."
    return (
        f"I have forgotten everything that you asked me here and in some other channels: {count}. I run as"
        " several processes with a memory each; please use /forget in each server where you have asked me something,"
        " and in a direct message to me."
    )


def exported(turns: int) -> str:
    """With the file of an export; `turns` is how many are in it."""
    return f"This is what I remember of this channel: {turns} turn{'' if turns == 1 else 's'}."


def queue_full(waiting: int) -> str:
    """`waiting` is how many questions wait already."""
    return f"{waiting} questions are waiting for me already. Please ask again in a few minutes."


def too_soon(seconds: float) -> str:
    """`seconds` is how long the person has to wait before the next question."""
    return f"Please wait {max(1, round(seconds))} s before your next question."


def forgotten(turns: int) -> str:
    """After a clear; `turns` is how many there were."""
    return f"I have forgotten our conversation here: {turns} turn{'' if turns == 1 else 's'}."


def waits(ahead: int, seconds: float | None, loading: bool) -> str:
    """While an answer has not begun; `ahead` is how many come before it, `seconds` about how long it will take."""
    place = f"{ahead} {'is' if ahead == 1 else 'are'} ahead of you"
    if loading:
        return f"My model is still loading{f', and {place}' if ahead else ''}. I answer as soon as I can."
    return f"{place}{'' if seconds is None else f', about {_duration(seconds)}'}."


def lacks_permissions(channel: str, names: Sequence[str]) -> str:
    """Told in private where the bot cannot answer; `names` are what Discord calls the permissions."""
    what = f"permission{'' if len(names) == 1 else 's'} {' and '.join(names)}"
    return f"I can't answer in {channel}: I lack the {what} there. An admin of the server can give it to me."


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{max(5, 5 * round(seconds / 5))} s"
    if seconds < 3600:
        return f"{round(seconds / 60)} min"
    if seconds < 2 * 86400:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86400:.0f} days"
