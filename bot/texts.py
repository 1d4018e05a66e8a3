"""What Parley itself says to people, apart from the model's answers."""

import math
from collections.abc import Mapping, Sequence

NAME = "Parley"
"""What the bot is called in a terminal."""

REPLACED = "▇▇▇"
"""What stands for text that the bot's owner has blocked."""

# In answer to a message that holds nothing to answer
ONLY_TEXT = "I can only read text, and there is none here. Please describe in words what I can't see."
UNREADABLE_REPLY = (
    "Discord only lets me read a reply if it pings me. Turn on the @ next to your reply, or mention me in your message."
)
UNREADABLE_ROLE_MENTION = (
    "Discord only lets me read a message that mentions me, and yours mentions the role that has my name. Please pick me"
    " instead."
)

# When an answer fails
NO_ANSWER = "The model had no answer to that. Please try putting it another way."
ONLY_THOUGHT = (
    "I ran out of room while thinking, before I could answer. Please ask for a shorter answer, or for something"
    " simpler."
)
STILL_THINKING = "I ran out of room while thinking, before I could answer. Continue lets me go on."
NO_ROOM_LEFT = "This answer is as long as it can be: my model has no room for more of it."
CANNOT_CONTINUE = "The server that my model runs on cannot go on with this answer."
UNEXPECTED = (
    "Something went wrong while I was answering. Please try again; the bot's owner can find the details in the log."
)
NO_MODEL = "I can't answer, because my model could not be loaded. The bot's owner can find the reason in the log."
OUT_OF_REACH = (
    "I can't reach the server that my model runs on. Please try again in a few minutes; the bot's owner can find the"
    " reason in the log."
)
BUSY = (
    "The server that my model runs on has too much to do, or is still starting. Please try again in a few minutes; the"
    " bot's owner can find the reason in the log."
)
REFUSED = "My model's server refused this question. The bot's owner can find the reason in the log."
BROKEN_OFF = "I lost the connection to my model in the middle of this answer. Please ask again."
TOO_LONG = "That message is too long for my model. Please shorten it."
ENGINE_FAILED = (
    "The model keeps failing; the log says why. Parley has to be restarted, which a supervisor such as systemd can do"
    " automatically."
)
DATABASE_UNAVAILABLE = (
    "I can't use my database right now. Please try again in a few minutes; the bot's owner can find the reason in the"
    " log."
)
INTERRUPTED = "I was restarted before this answer was complete. Press Regenerate, or ask again."
COMMAND_INTERRUPTED = "I was restarted before this answer was complete. Please ask again."
BLOCKED_BY_SERVER = (
    "I was about to say something that this server's AutoMod or Discord itself blocks, so I stopped. Please put your"
    " question another way; a server admin can change what AutoMod blocks."
)
REFUSED_BY_DISCORD = (
    "Discord did not accept my answer, so I stopped. Please ask again; the bot's owner can find the reason in the log."
)
UNDELIVERABLE = "Discord did not accept my answer for an hour, so I gave up. Please ask again."
OUT_OF_TIME = (
    "This took longer than the 15 minutes that Discord allows for a private answer. Please mention me instead."
)
GOES_ON_BELOW = (
    "This is taking longer than the 15 minutes that Discord allows for a command, so I continue in a new message below."
)
MAY_NOT_WRITE = "I wanted to answer you, but I'm not allowed to write there. A server admin can change that."

# While an answer is on its way
THINKING = "I'm thinking about it."
STOPPED_WAITING = "Stopped before I started to answer."

# When the bot shuts down
SHUTTING_DOWN = "I'm shutting down, so I can't answer right now. Please ask again when I'm back."
QUITTING = "I'm shutting down."
QUITTING_HERE = "I'm shutting down here. I run as several processes, and those that serve other servers keep running."
OWNER_ONLY = "Only the bot's owner can shut me down."

# When somebody may not do something, or not here
NOT_YOURS = "Only the person who asked, or someone who can manage messages here, can do that."
STALE = "This button no longer applies: the answer is complete, or the conversation has moved on."
BLOCKED = "I can't answer you, because the bot's owner has blocked you."
NOT_HERE = "I don't answer here. The bot's owner decides where I do."
ROLE_NEEDED = "I only answer people who have certain roles, as the bot's owner has decided, and you have none of them."
ONE_AT_A_TIME = (
    "I'm already working on one question of yours, and another is waiting. Please wait until the first is answered."
)

# /persona, /settings and /export
PERSONA_BLANK = "The text was empty, so nothing has changed. Use /persona clear to remove a persona."
PERSONA_OF_THIS = "This is my persona here:"
PERSONA_OF_PARENT = "This is my persona here; it comes from the channel that this thread belongs to:"
NO_PERSONA = "This channel has no persona of its own. I follow what the bot's owner has set for all channels."
SET_HERE, SET_IN_PARENT, SET_FOR_ALL = "set here", "set in this thread's channel", "the default"
_LABELS = {
    "temperature": "Temperature",
    "answer_length": "Longest answer in tokens",
    "turns": "Turns remembered",
}
NOTHING_TO_EXPORT = "I don't remember anything from this channel."
SUMMARY_LABEL = "Summary of the earlier conversation"  # in an export, in place of a name

# Feedback
VOTED = {True: "Thank you! I noted that you like this answer.", False: "Thank you! I noted that you don't like it."}
NOT_KEPT = "This answer isn't kept for training, so there is nothing that I could note."
MAY_I_KEEP = (
    "May I keep what you ask me and what I answer, so that those who run me can read it and train me with it (you can"
    " change that with /privacy at any time)?"
)
DECIDED = {
    True: "Thank you! What you ask me and what I answer may be kept to train me. /privacy changes that.",
    False: "What you ask me is not kept to train me. /privacy changes that.",
}
UNDECIDED = "You have not said yet whether I may keep what you ask me to train me, so I don't."
CORRECTOR_UNDECIDED = "A correction is kept to train me, and you write it, so I have to ask you first."
CORRECTOR_REFUSED = (
    "A correction is kept to train me, and you don't want what you write to be kept. /privacy changes that."
)
NOT_CORRECTABLE = "This answer isn't kept for training, so it can't be corrected."
TOO_LONG_TO_CORRECT = "This answer is longer than a form of Discord's can hold, so it can't be corrected."
NO_LONGER_KEPT = "This answer is no longer kept."
CORRECTED = "Thank you! I noted how I should have answered."
CORRECTED_HERE = "Thank you! I noted how I should have answered, and corrected my answer."
CORRECTED_NOT_HERE = (
    "Thank you! I noted how I should have answered. My answer in the channel stays as it is, because the correction"
    " doesn't fit into its messages."
)
LIKED, DISLIKED, CORRECT, DISCARD, APPROVE = "👍", "👎", "Correct", "Discard", "Fine as it is"
AGREE, REFUSE = "Yes", "No"
DISCARDED, APPROVED, WAS_CORRECTED = "🗑️ Discarded", "✅ Fine as it is", "✏️ Corrected"
MODERATORS_ONLY = "Only someone who can manage messages here can do that."
_NAMED = 10  # files that one sentence names

STOP, REGENERATE, CONTINUE = "Stop", "Regenerate", "Continue"  # the buttons
LOADING, READY = "Loading the model…", "Mention me to talk"  # what Discord shows next to the bot's name

# What the operator reads when Discord refuses the bot, and in `check`
WRONG_TOKEN = "Discord rejects the token."
GET_TOKEN = (
    "Copy it again (or reset it) on the Bot page of the developer portal, https://discord.com/developers/applications,"
    " and set DISCORD_TOKEN to it."
)

# In the terminal
BANNER = '''\
Parley in the terminal. Type something and press Enter.
  """            before and after a text of several lines
  @FILE          put a text file into the question
  system TEXT    have me follow other instructions, until you leave
  system default go back to my own instructions
  clear          forget this conversation
  regenerate     answer the last question again
  continue       go on with an answer that reached its longest length
  quit, exit, q  leave (or press Ctrl+D)
  Ctrl+C         stop an answer
'''
NOTHING_TO_REGENERATE = "There is no answer yet that I could regenerate."
NOTHING_TO_CONTINUE = "The last answer is complete, so there is nothing to continue."
MORE_TO_COME = "(That was the longest answer that is allowed. Type continue for more.)"

# Commands as Discord lists them, in at most 100 characters. `bot.translations` has them in other languages.
ASK = "Ask a single question, without this channel's conversation"
ASK_PROMPT = "Your question"
ASK_PRIVATE = "Show the answer only to you"
ABOUT_MESSAGE = "Ask about this message"
QUESTION = "Your question about it"
CLEAR = "Forget the conversation in this channel"
HELP = "What I do, my commands, and what I remember"
STATUS = "How I'm doing: the model, its load and its speed"
FORGET = "Forget everything you have asked me, in all channels"
EXPORT = "Get what I remember of this channel as a file"
EXPORT_FORMAT = "JSON, or CSV for a spreadsheet"
PERSONA = "My persona (the system prompt) in this channel"
PERSONA_SET = "Set my persona (the system prompt) in this channel"
PERSONA_SHOW = "Show my persona in this channel, only to you"
PERSONA_USE = "Choose one of the prepared personas for this channel"
PERSONA_NAME = "Its name"
PERSONA_LIST = "Show the prepared personas, only to you"
PERSONA_CLEAR = "Remove this channel's own persona"
PRIVACY = "Whether I may keep what you ask me to train my model"
FEEDBACK = "How many answers are kept for training, and how people like them"
CORRECT_ANSWER = "Correct this answer"
SETTINGS = "Show or change how I answer in this channel"
SETTINGS_TEMPERATURE = "How freely I choose words; 0 always takes the most likely one"
SETTINGS_LENGTH = "The longest answer, in tokens"
SETTINGS_TURNS = "How many questions and answers I remember; older ones are forgotten at once"
SETTINGS_RESET = "Discard what was set here; the persona stays"
QUIT = "Shut the bot down (only for its owner)"

# The form of /persona set; labels have at most 45 characters.
PERSONA_TITLE = "My persona in this channel"
PERSONA_FIELD = "Who I am and how I should answer"
PERSONA_HINT = "{date}, {server}, {channel}, {topic} and {bot} are filled in."  # at most 100 characters

# The form of a correction.
CORRECTION_FIELD = "How I should have answered"
CORRECTION_HERE = "Shall I also correct my answer here?"
CORRECTION_ONLY_KEPT = "No, only learn from it"
CORRECTION_EVERYWHERE = "Yes, here and in what I remember"


def help_text(
    me: str,
    commands: Mapping[str, str],
    turns: int,
    *,
    feedback: bool,
    replaces: bool,
    hourly_limit: int | None = None,
    wake_words: Sequence[str] = (),
    auto_thread: bool = False,
    context_messages: int = 0,
) -> str:
    """Return the text of /help.

    `me` mentions the bot; `commands` maps each command's name to its clickable mention; `turns` is how many turns are
    remembered in the channel; `feedback` is whether people can vote, and `replaces` whether words are blocked;
    `hourly_limit` is how many answers the reader gets in an hour; `wake_words` count as mentions; with `auto_thread`, a
    mention is answered in a thread; `context_messages` is how many messages are read before a question.
    """
    context = (
        f" With a question, I also read the last {context_messages} messages before it, and remember none of them."
        if context_messages
        else ""
    )
    threads = " In a text channel, I open a thread for it." if auto_thread else ""
    called = f" Calling me ({_shortened(', '.join(wake_words), 50)}) is enough, too." if wake_words else ""
    limit = "" if hourly_limit is None else f" You can get {_count(hourly_limit, 'answer')} an hour."
    feedback_sentence = (
        f"\n{LIKED} and {DISLIKED} tell those who run me how good an answer is, and {CORRECT_ANSWER}, under Apps in its"
        f" menu, how it should have been. I keep nothing that you write for training unless you say yes;"
        f" {commands['privacy']} shows and changes that."
        if feedback
        else ""
    )
    personas = f" {commands['persona use']} picks a prepared persona." if "persona use" in commands else ""
    blocked_sentence = f"\n{REPLACED} stands for words that the bot's owner does not let me say." if replaces else ""
    memory = (
        f"Here I remember the last {turns} questions and answers, even after a restart, until newer ones replace them"
        f" or someone uses {commands['clear']}. Each channel, thread and direct conversation has its own memory."
        if turns
        else "Here I remember nothing: every message stands alone."
    )
    return f"""\
I answer with a language model that the bot's owner runs. It can be wrong.{limit}

Mention me ({me}), reply to me, or send me a direct message.{called}{threads} If you reply to someone else's \
message and mention me, I read that message too. I read attached text files, but no pictures or recordings.{context}
{commands["ask"]} answers a single question, privately if you like.
{commands["clear"]} makes me forget the conversation in this channel, {commands["forget"]} everything you have asked \
me anywhere.
{commands["export"]} gives you what I remember of a channel as a file.
{commands["persona set"]} and {commands["settings"]} change how I answer in a channel, if you can manage it.{personas}
{commands["status"]} shows how I'm doing.
{commands["quit"]} shuts me down, if you own the bot.
{ABOUT_MESSAGE}, under Apps in a message's menu, answers a question about that message.
Under an answer, Stop ends it, Regenerate replaces it, and Continue goes on with one that was too long.\
{feedback_sentence}{blocked_sentence}

{memory} I don't remember {commands["ask"]}, or messages that are not meant for me."""


def switch_on_intent(settings: Sequence[str]) -> str:
    """Say what to do where these settings need the Message Content intent, and it is off."""
    return (
        "Turn it on on the Bot page of the developer portal, https://discord.com/developers/applications, or leave"
        f" {_listed(settings)} blank."
    )


def needs_intent(settings: Sequence[str]) -> str:
    """Name the Message Content intent, and the settings that need it, as the beginning of a sentence."""
    return f"the Message Content intent, which {_listed(settings)} need{'s' if len(settings) == 1 else ''}"


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
    """Return the text of /status.

    `memory` is in bytes and the times are in seconds. `precision` is None while the model loads. `shards` names the
    shards of this process if there are other processes, and is blank otherwise.
    """
    process = f"\nOne of several processes, with shards {shards}" if shards else ""
    tokens = "no answer yet" if speed is None else f"{speed:.1f} tokens per second lately"
    gateway = f"{latency * 1000:.0f} ms" if math.isfinite(latency) else "not measured yet"
    return f"""\
Model: {model} ({precision or "loading"})
Answers: {running} running, {waiting} waiting; {tokens}
Memory: {memory / 1e9:.2f} GB
Latency of Discord's gateway: {gateway}
Longest event-loop lag in the last minute: {stall * 1000:.0f} ms
Up for {_duration(uptime)}, Parley {version}{process}"""


def answered_without(names: Sequence[str]) -> str:
    """Tell what of a question, which is answered, could not be read."""
    shown = names[:_NAMED]
    more = [f"{len(names) - len(shown)} more"] if len(names) > len(shown) else []
    return f"I answered without {_listed([*shown, *more])}: I can only read text, and text files of up to 64 KB."


def _listed(things: Sequence[str]) -> str:
    *others, last = things
    return f"{', '.join(others)} and {last}" if others else last


def question_too_long(tokens: int, limit: int) -> str:
    """Refuse a question of `tokens` tokens where `limit` fit; a limit of 0 or less means that no question fits."""
    if limit <= 0:
        return (
            "My persona here is so long that it leaves no room for a question. If it is this channel's own, anyone who"
            " can manage the channel can shorten it with /persona set. Otherwise the bot's owner can shorten"
            " SYSTEM_PROMPT or raise MAX_PROMPT_TOKENS."
        )
    return f"That message is too long for me: it has {tokens} tokens, and the limit is {limit}. Please shorten it."


def beyond_limit(setting: str, least: float, most: float) -> str:
    """Refuse a value of /settings that the operator does not allow; `setting` is the name of the option."""
    return (
        f"{_LABELS[setting]} must be between {least:g} and {most:g}, as the bot's owner has decided. Nothing has"
        " changed."
    )


def persona_set(length: int) -> str:
    """Confirm /persona set; `length` is in characters."""
    return (
        f"From now on, this is my persona here ({length} character{'' if length == 1 else 's'}). My earlier answers may"
        " still influence me; /clear makes me forget them."
    )


def persona_used(name: str) -> str:
    """Confirm /persona use."""
    return f"From now on, I am **{name}** here. My earlier answers may still influence me; /clear makes me forget them."


def no_such_persona(name: str) -> str:
    """Refuse /persona use with a name that there is not."""
    return f"There is no persona {name}. /persona list shows those that I have."


def persona_list(personas: Mapping[str, str], here: str | None) -> str:
    """Return the text of /persona list, in at most 2,000 characters; `here` is the name of the one in use."""
    lines: list[str] = []
    for name, text in personas.items():
        line = f"**{name}**{' (here)' if name == here else ''}: {_shortened(' '.join(text.split()), 100)}"
        if sum(map(len, lines)) + len(lines) + len(line) > 1950:
            return "\n".join([*lines, f"… and {len(personas) - len(lines)} more"])
        lines.append(line)
    return "\n".join(lines)


def session_persona(persona: str, *, new: bool) -> str:
    """Show the instructions that apply in the terminal, which may be `new` ones."""
    since = "From now on, until you leave or type system default, my" if new else "My"
    return f"{since} instructions are:\n{persona}" if persona else "I have no instructions."


def no_such_file(name: str) -> str:
    """Tell that a name in a question is not taken for a file."""
    return f"(There is no file {name}, so @{name} stays as it is.)"


def setting(name: str, value: float, origin: str, wanted: float | None, least: float, most: float) -> str:
    """Return one line of /settings: the value in force, where it comes from, and its limits.

    `wanted` is the value that was set, if any. It can be beyond a limit that the operator has lowered since.
    """
    beyond = "" if wanted in (None, value) else f" to {wanted:g}"
    return f"{_LABELS[name]}: {value:g} ({origin}{beyond}; allowed: {least:g} to {most:g})"


def settings_text(lines: Sequence[str], persona: str) -> str:
    """Return the text of /settings; `persona` says where the persona comes from."""
    return "\n".join(["How I answer here:", *lines, f"Persona: {persona}"])


def forgot_person(turns: int, *, everywhere: bool) -> str:
    """Confirm /forget; not `everywhere` if other processes may remember more of the person."""
    count = f"{turns} turn{'' if turns == 1 else 's'}"
    if everywhere:
        return f"I have forgotten everything you asked me, in all channels: {count}."
    return (
        f"I have forgotten everything you asked me here and in some other channels: {count}. I run as several"
        " processes, each with its own memory, so please use /forget in every server where you have asked me something,"
        " and in a direct message to me."
    )


def exported(turns: int) -> str:
    """Introduce the file of an export."""
    return f"This is what I remember of this channel: {turns} turn{'' if turns == 1 else 's'}."


def queue_full(waiting: int) -> str:
    """Refuse a question because too many are waiting."""
    return f"I can't take your question now, because {waiting} are waiting already. Please ask again in a few minutes."


def too_soon(seconds: float) -> str:
    """Refuse a question within a person's cooldown, of which `seconds` are left."""
    return f"Please wait {max(1, round(seconds))} s before you ask again."


def hour_used_up(limit: int, seconds: float) -> str:
    """Refuse a question of somebody who has had `limit` answers within an hour; the next is free in `seconds`."""
    return (
        f"You have had the {_count(limit, 'answer')} that you can get in an hour. The next one is free in"
        f" {_duration(seconds)}."
    )


def forgotten(turns: int) -> str:
    """Confirm /clear."""
    return f"I have forgotten our conversation here: {turns} turn{'' if turns == 1 else 's'}."


def in_review(link: str, question: str, answer: str, verdict: str = "") -> str:
    """An answer in the review channel, in at most 2,000 characters."""
    quote = "\n".join(f"> {line}" for line in _shortened(question, 600).splitlines())
    text = f"{DISLIKED} {link}\n{quote}\n{_shortened(answer, 1200)}"
    return f"{text}\n\n{verdict}" if verdict else text


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def feedback_text(rows: Sequence[tuple[str, int, int, int, int, int]]) -> str:
    """Say how many answers are kept: a row for each model with its name and five counts."""
    lines = [
        f"**{model}**: {kept} answers kept, {likes} {LIKED}, {dislikes} {DISLIKED}, {corrected} corrected,"
        f" {reviewed} reviewed"
        for model, kept, likes, dislikes, corrected, reviewed in rows
    ]
    return "\n".join(lines) or "No answers are kept for training yet."


def waits(ahead: int, seconds: float | None, loading: bool) -> str:
    """Say what an answer waits for: `ahead` others, for about `seconds` if that is known, or the model."""
    place = f"{ahead} question{' is' if ahead == 1 else 's are'} ahead of yours"
    if loading:
        return f"My model is still loading{f', and {place}' if ahead else ''}. I'll answer as soon as I can."
    return f"{place}{'' if seconds is None else f': about {_duration(seconds)} to wait'}."


def lacks_permissions(channel: str, names: Sequence[str]) -> str:
    """Tell somebody in private that the bot cannot answer in a channel; `names` are Discord's for the permissions."""
    what = f"permission{'' if len(names) == 1 else 's'} {' and '.join(names)}"
    return f"I can't answer in {channel}, because I don't have the {what} there. A server admin can grant it."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{max(5, 5 * round(seconds / 5))} s"
    if seconds < 3600:
        return f"{round(seconds / 60)} min"
    if seconds < 2 * 86400:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86400:.0f} days"
