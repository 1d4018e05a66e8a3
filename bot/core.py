"""Builds what every way to talk to the model needs, and the two ways in a terminal."""

from datetime import date
from pathlib import Path

from bot.console import chat
from bot.conversation.admission import Admission
from bot.conversation.blocked_words import BlockedWords
from bot.conversation.conversations import Conversations
from bot.conversation.personas_file import read_personas
from bot.conversation.placeholders import TERMINAL
from bot.conversation.summary import SPARE, Summaries
from bot.engine import Engine
from bot.engine.opening import locate_model, open_engine, sampling
from bot.observer import NO_OBSERVER, Observer
from bot.settings import Settings
from bot.storage.channel_settings import ChannelLimits, ChannelSettings, ChannelSettingsStore
from bot.storage.database import Database, open_database
from bot.storage.examples import ExampleStore
from bot.storage.turns import TurnStore
from bot.timing import TIMING, Timing


class Core:
    """What every way to talk to the model needs: turns, examples, channel settings and conversations."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        engine: Engine,
        *,
        summaries: bool = False,
        observer: Observer = NO_OBSERVER,
        timing: Timing = TIMING,
    ) -> None:
        self.turns = TurnStore(database, SPARE if summaries else 0)
        self.channel_settings = ChannelSettingsStore(
            database,
            ChannelSettings(
                settings.system_prompt, settings.temperature, settings.max_new_tokens, settings.history_turns
            ),
            ChannelLimits(settings.channel_max_temperature, settings.max_new_tokens, settings.channel_max_turns),
            read_personas(settings.personas_file),
        )
        self.summaries = (
            Summaries(
                engine,
                self.turns,
                self.channel_settings,
                max_new_tokens=settings.max_new_tokens,
                retry_interval=timing.summary_retry_interval,
            )
            if summaries
            else None
        )
        self.blocked_words = BlockedWords.read(settings.blocked_words_file)
        self.examples = ExampleStore(database, settings.feedback_limit)
        self.conversations = Conversations(
            engine,
            self.turns,
            self.channel_settings,
            Admission(
                engine,
                queue_limit=settings.queue_limit,
                cooldown=settings.cooldown,
                show_thinking=settings.show_thinking,
            ),
            sampling=sampling(settings),
            blocked_words=self.blocked_words,
            summaries=self.summaries,
            examples=self.examples if settings.feedback else None,
            observer=observer,
            grace=settings.shutdown_grace,
            last_words=timing.last_words,
        )


def check_files(settings: Settings) -> None:
    """Raise UserError at once for a file that cannot be used, before torch is imported or a database created."""
    read_personas(settings.personas_file)
    BlockedWords.read(settings.blocked_words_file)
    locate_model(settings)


async def run_chat(settings: Settings) -> None:
    """Talk in the terminal. Raises UserError."""
    check_files(settings)
    async with open_database(settings.database_path) as database, open_engine(settings) as engine:
        core = Core(settings, database, engine)
        await engine.ready()
        await chat.chat(core.conversations, core.channel_settings, Path(f"{settings.database_path}-history"))


async def run_ask(settings: Settings, text: str) -> None:
    """Print the answer to one question. Raises UserError."""
    check_files(settings)
    async with open_engine(settings) as engine:
        await chat.ask(
            engine,
            text,
            system_prompt=TERMINAL.fill(settings.system_prompt, date.today()),
            sampling=sampling(settings),
            show_thinking=settings.show_thinking,
            blocked_words=BlockedWords.read(settings.blocked_words_file),
        )
