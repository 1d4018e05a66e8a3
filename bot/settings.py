"""Every option: name, default, limits and meaning; read from the environment and a `.env` file."""

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import dotenv_values

from bot.errors import UserError
from bot.shards import MOST, read_ids


class SettingsError(UserError):
    """One line for each bad value; the program ends with exit status 2."""


@dataclass(frozen=True)
class Kind:
    """How an option's text becomes its value; `read` raises ValueError for what is not `allowed`."""

    read: Callable[[str], Any]
    allowed: str
    blank_counts: bool = False  # a blank value is a value of its own, not "use the default"


def _number(number: type[int] | type[float], low: float, high: float, *, above: bool = False) -> Kind:
    def read(text: str) -> float:
        value = number(text)
        if not (low < value if above else low <= value) or not value <= high:
            raise ValueError
        return value

    noun = "a whole number" if number is int else "a number"
    return Kind(read, f"{noun} {'above' if above else 'from'} {low} {'up to' if above else 'to'} {high}")


def _id(text: str) -> int:
    value = int(text)
    if not 0 < value < 2**63:
        raise ValueError
    return value


def _ids(text: str) -> frozenset[int]:
    return frozenset(_id(part) for part in re.split(r"[,\s]+", text) if part)


def _role_limits(text: str) -> tuple[tuple[int, int], ...]:
    pairs = (part.split("=") for part in re.split(r"[,\s]+", text) if part)
    return tuple((_id(role), _LIMIT.read(limit)) for role, limit in pairs)


def _words(text: str) -> tuple[str, ...]:
    words = tuple(" ".join(part.split()) for part in text.split(",") if part.strip())
    if not all(re.search(r"[^\W_]", word) for word in words):
        raise ValueError
    return words


def _token(text: str) -> str:
    if not re.fullmatch(r"[\w.-]+", text, re.ASCII):
        raise ValueError
    return text


def _address(text: str) -> tuple[str, int]:
    found = re.fullmatch(r"(?:(?:\[([0-9a-f:.]+)\]|([\w.-]+))?:)?(\d+)", text, re.ASCII | re.IGNORECASE)
    if not found or not 0 < int(found[3]) < 2**16:
        raise ValueError
    return found[1] or found[2] or "127.0.0.1", int(found[3])


def _level(text: str) -> str:
    if text.upper() not in _LEVELS:
        raise ValueError
    return text.upper()


def _one_of(*words: str) -> Kind:
    def read(text: str) -> str:
        if text.lower() not in words:
            raise ValueError
        return text.lower()

    return Kind(read, "one of " + ", ".join(words))


def _switch(text: str) -> bool:
    if text.lower() not in ("on", "off"):
        raise ValueError
    return text.lower() == "on"


def _urls(text: str) -> tuple[str, ...]:
    return tuple(_url(part) for part in re.split(r"[,\s]+", text) if part)


def _url(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or url.username or url.query or url.fragment:
        raise ValueError
    _ = url.port  # raises ValueError for none that there can be
    return text.rstrip("/") if url.path.strip("/") else f"{text.rstrip('/')}/v1"


_READING = ("chat_channels", "wake_words", "context_messages")  # the options that need the Message Content intent
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_TEXT = Kind(str, "any text", blank_counts=True)
_NAME = Kind(str, "any text")
_ID = Kind(_id, "a Discord id: a whole number such as 41771983423143937")
_IDS = Kind(_ids, "Discord ids such as 41771983423143937, separated by commas")
_WORDS = Kind(_words, "words, separated by commas, such as Parley, hey bot")
_LIMIT = _number(int, 1, 10**6)
_ROLE_LIMITS = Kind(_role_limits, "ids of roles, each with its answers an hour, such as 41771983423143937=20")
_SHARDS = Kind(read_ids, "shards such as 0-3,6")
_TOKEN = Kind(_token, "the token exactly as the developer portal shows it, without spaces or quotes")
_URLS = Kind(_urls, "addresses such as http://10.0.0.5:8000/v1, separated by commas, without a password in them")
_SWITCH = Kind(_switch, "on or off")
_ADDRESS = Kind(_address, "a port from 1 to 65535, with an address before it or without, such as 8080 or 0.0.0.0:8080")
_LEVEL = Kind(_level, "one of " + ", ".join(_LEVELS))


def _option(default: Any, kind: Kind, meaning: str, *, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"kind": kind, "meaning": meaning, "secret": secret})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All options, checked. A field's name in capitals is its variable; its metadata holds its meaning.

    The order and the headings are those of `.env.example`.
    """

    # Discord
    discord_token: str | None = _option(
        None, _TOKEN, "The bot's token from Discord's developer portal; only the Discord bot needs it", secret=True
    )
    guild_id: int | None = _option(
        None, _ID, "For development: register the slash commands only in this server, where they appear at once"
    )
    link_previews: bool = _option(False, _SWITCH, "Whether Discord shows previews of links in answers: on or off")
    # Model
    model_path: str = _option(
        "./qwen_finetune", _NAME, "A model's folder, a GGUF file, a hub name such as Qwen/Qwen2-1.5B-Instruct, or demo"
    )
    base_model: str | None = _option(
        None, _NAME, "For a LoRA adapter: the model it was trained from; blank means the one that the adapter names"
    )
    model_precision: str = _option(
        "auto",
        _one_of("auto", "float32", "bfloat16", "float16", "int8"),
        "Precision of the weights: float32, bfloat16, float16, int8, or auto (the fastest here that keeps the answers)",
    )
    prompt_format: str = _option(
        "auto",
        _one_of("auto", "chat", "plain"),
        "Prompt format: chat (the model's chat template), plain (labelled lines), or auto (chat if it has a template)",
    )
    plain_user: str = _option("User:", _NAME, "In the plain format, the label before a question")
    plain_assistant: str = _option("Assistant:", _NAME, "In the plain format, the label before an answer")
    # Engine elsewhere
    engine_url: tuple[str, ...] = _option(
        (),
        _URLS,
        "Servers that run the model instead of this machine, separated by commas, such as http://10.0.0.5:8000/v1",
    )
    engine_api_key: str | None = _option(None, _NAME, "The API key for these servers, if they need one", secret=True)
    engine_model: str | None = _option(None, _NAME, "The model's name on these servers; blank if they have only one")
    engine_timeout: float = _option(
        60, _number(float, 1, 3600), "Seconds without a response after which a server counts as failed"
    )
    # Conversation
    system_prompt: str = _option(
        "You are Parley, a friendly assistant in a chat. Answer briefly and clearly.",
        _TEXT,
        "Instructions before every conversation, with {date}, {server}, {channel}, {topic}, {bot} filled in; blank"
        " means none",
    )
    personas_file: str | None = _option(
        None, _NAME, 'A TOML file with personas for /persona use, each as NAME = "TEXT"; blank means none'
    )
    history_turns: int = _option(
        5, _number(int, 0, 100), "Turns remembered per channel, from 0 to 100; with 0, every message stands alone"
    )
    context_messages: int = _option(
        0,
        _number(int, 0, 30),
        "Messages of others that the model reads before a question, from 0 to 30; needs the Message Content intent",
    )
    summary: bool = _option(
        False, _SWITCH, "Whether turns too old to remember go into a summary, written while nobody waits: on or off"
    )
    max_prompt_tokens: int = _option(
        2048,
        _number(int, 64, 1048576),
        "The longest prompt, in tokens: system prompt, turns and question; the oldest turns are left out first",
    )
    database_path: str = _option("parley.db", _NAME, "The SQLite file that holds the turns and the channels' settings")
    # Answers
    max_new_tokens: int = _option(
        200, _number(int, 1, 32768), "The longest answer, in tokens; Continue adds as many again"
    )
    temperature: float = _option(
        0.7, _number(float, 0, 5), "How freely words are chosen, from 0 to 5; 0 always takes the most likely one"
    )
    top_p: float = _option(
        0.9,
        _number(float, 0, 1, above=True),
        "Choose among the most likely tokens that together have this probability, up to 1",
    )
    top_k: int = _option(
        50, _number(int, 0, 1000), "Choose among this many of the most likely tokens; 0 turns this off"
    )
    repetition_penalty: float | None = _option(
        None,
        _number(float, 0, 10, above=True),
        "Above 1, repetitions become less likely; 1 turns this off; blank uses the model's own value",
    )
    seed: int | None = _option(
        None, _number(int, 0, 2**63 - 1), "Makes answers repeatable, for tests and demonstrations; blank means random"
    )
    show_thinking: bool = _option(
        False, _SWITCH, "Whether people see a reasoning model's thoughts, as a quote before the answer: on or off"
    )
    blocked_words_file: str | None = _option(
        None, _NAME, "A file of words and regular expressions that answers never show; blank means none"
    )
    # Feedback
    feedback: bool = _option(
        False,
        _SWITCH,
        "Whether people rate and correct answers, which are kept for training if those who asked agree: on or off",
    )
    feedback_channel: int | None = _option(
        None, _ID, "Id of the channel where disliked answers are shown to be corrected; blank means none"
    )
    feedback_limit: int = _option(
        10000, _number(int, 1, 10**7), "Answers kept for training at most; the oldest that nobody has rated go first"
    )
    # Limits
    max_batch: int = _option(
        8,
        _number(int, 1, 1024),
        "Answers generated at the same time, per server if ENGINE_URL is set; further questions wait in order",
    )
    queue_limit: int = _option(
        50, _number(int, 1, 10000), "Questions that may wait; beyond this, people are asked to come back later"
    )
    cooldown: float = _option(0, _number(float, 0, 3600), "Seconds that a person must wait between two questions")
    channel_max_turns: int = _option(
        20, _number(int, 0, 100), "The most turns that /settings can give a channel, from 0 to 100"
    )
    channel_max_temperature: float = _option(
        1.5, _number(float, 0, 5), "The highest temperature that /settings can give a channel, from 0 to 5"
    )
    shutdown_grace: float = _option(
        10, _number(float, 0, 600), "Seconds that unfinished answers get when the bot shuts down"
    )
    # Who and where
    chat_channels: frozenset[int] = _option(
        frozenset(), _IDS, "Ids of channels where the bot answers every message; needs the Message Content intent"
    )
    wake_words: tuple[str, ...] = _option(
        (), _WORDS, "Words that count as a mention, separated by commas; needs the Message Content intent"
    )
    auto_thread: bool = _option(
        False, _SWITCH, "Whether a mention in a text channel is answered in a thread, where the talk goes on: on or off"
    )
    allowed_guilds: frozenset[int] = _option(
        frozenset(), _IDS, "Ids of the only servers where the bot answers, separated by commas; blank means all"
    )
    allowed_channels: frozenset[int] = _option(
        frozenset(), _IDS, "Ids of the only channels where it answers, threads included; blank means all"
    )
    blocked_users: frozenset[int] = _option(frozenset(), _IDS, "Ids of people whom the bot does not answer")
    allowed_roles: frozenset[int] = _option(
        frozenset(), _IDS, "Ids of the only roles whose members the bot answers; blank means everybody"
    )
    blocked_roles: frozenset[int] = _option(
        frozenset(), _IDS, "Ids of roles whose members the bot does not answer, whatever other roles they have"
    )
    role_limits: tuple[tuple[int, int], ...] = _option(
        (), _ROLE_LIMITS, "Answers an hour for members of a role, such as ID=20,ID=5; a person's best role counts"
    )
    direct_messages: bool = _option(True, _SWITCH, "Whether the bot answers direct messages: on or off")
    # Several processes
    shard_count: int | None = _option(
        None,
        _number(int, 1, MOST),
        "Number of gateway shards, in all processes together; blank means as many as Discord recommends",
    )
    shard_ids: frozenset[int] = _option(
        frozenset(), _SHARDS, "Shards that this process connects, such as 0-3,6; blank means all"
    )
    requests_per_second: float = _option(
        30,
        _number(float, 1, 10000),
        "Requests per second to Discord, of all processes together; Discord allows 50, and large bots more on request",
    )
    # Watching
    health_address: tuple[str, int] | None = _option(
        None,
        _ADDRESS,
        "Where /healthz and /metrics are served: a port, for this machine only, or address:port; blank means nowhere",
    )
    log_level: str = _option("INFO", _LEVEL, "Log level: DEBUG, INFO, WARNING, ERROR or CRITICAL")
    log_format: str = _option("text", _one_of("text", "json"), "Log format of the bot: text or json")

    @property
    def need_message_content(self) -> tuple[str, ...]:
        """The variables of the options in use that need the Message Content intent."""
        return tuple(name.upper() for name in _READING if getattr(self, name))


def read(environment: Mapping[str, str], env_file: Path | None = None) -> tuple[Settings, list[str]]:
    """Read the settings from `environment` over `env_file` (UTF-8, python-dotenv's syntax; None: no file).

    Returns the settings and warnings, each a line for the operator. Raises SettingsError with a line for
    every bad value, or when the file cannot be read.
    """
    in_file = _read_env_file(env_file) if env_file else {}
    names = [option.name.upper() for option in fields(Settings)]
    values, problems = {}, []
    for option in fields(Settings):
        name, kind = option.name.upper(), option.metadata["kind"]
        given = [text for text in (environment.get(name), in_file.get(name)) if text is not None]
        text = next((text for text in given if text.strip() or kind.blank_counts), None)
        if text is None:
            continue
        try:
            values[option.name] = kind.read(text.strip())
        except ValueError:
            # An address may hold a password, before an @ or behind a question mark.
            secret = option.metadata["secret"] or (kind is _URLS and re.search("[@?]", text))
            shown = "the value given (not shown)" if secret else repr(text)
            problems.append(f"{name}: {shown} is not allowed; use {kind.allowed}.")
    if problems:
        raise SettingsError("\n".join(problems))
    settings = Settings(**values)
    if settings.shard_ids and not settings.shard_count:
        raise SettingsError("SHARD_IDS needs SHARD_COUNT: how many shards there are in all, the same in each process.")
    if settings.shard_count and max(settings.shard_ids, default=0) >= settings.shard_count:
        count, last = settings.shard_count, settings.shard_count - 1
        raise SettingsError(f"SHARD_IDS: with SHARD_COUNT={count} the shards are numbered from 0 to {last}.")
    warnings = [
        f"{env_file}: unknown setting {key}; did you mean {close[0]}?"
        for key in in_file
        if key not in names and (close := _like(key.upper(), names))
    ]
    if settings.feedback_channel and not settings.feedback:
        warnings.append("FEEDBACK_CHANNEL is set, but FEEDBACK is off, so nothing is shown there.")
    secrets = [option.name.upper() for option in fields(Settings) if option.metadata["secret"]]
    held = [name for name in secrets if in_file.get(name)]
    if env_file and held and os.name == "posix" and env_file.stat().st_mode & 0o077:
        warnings.append(
            f"{env_file} holds {' and '.join(held)} and can be read by other users of this machine. Run: chmod 600"
            f" {env_file}"
        )
    return settings, warnings


def read_file(option: str, file: str) -> str:
    """The text of the file that an option names, in UTF-8. Raises SettingsError."""
    try:
        return Path(file).expanduser().read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = error.strerror
    except RuntimeError:  # from expanduser
        reason = "nobody here has that home folder"
    except UnicodeDecodeError:
        reason = "it is not UTF-8 text"
    except ValueError:  # a NUL
        reason = "no file can have that name"
    raise SettingsError(f"{option}: {file} cannot be read: {reason}.")


def _like(key: str, names: list[str]) -> list[str]:
    """The names that are spelt like the key, or have all its words in them."""
    words = set(key.split("_"))
    return difflib.get_close_matches(key, names, n=1, cutoff=0.75) or [
        name for name in names if words <= set(name.split("_"))
    ]


def _read_env_file(path: Path) -> dict[str, str]:
    try:
        # Without interpolation a "$" in a prompt or a token stays what it is.
        with path.open(encoding="utf-8-sig") as lines:
            return {key: value or "" for key, value in dotenv_values(stream=lines, interpolate=False).items()}
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingsError(f"The settings file {path} cannot be read: {reason}.") from None
