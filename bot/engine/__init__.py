"""Text generation: what an engine is asked, what it gives back, and how it fails.

An engine knows no Discord and no history. `local` runs a model on this machine's CPU, `remote` asks servers elsewhere.
"""

from dataclasses import dataclass
from typing import Protocol

from bot.engine.prompt import Prompt
from bot.engine.reasoning import Thought
from bot.engine.stream import NoAnswer, Stream
from bot.errors import UserError
from bot.texts import ENGINE_FAILED

__all__ = [
    "Description",
    "Engine",
    "EngineError",
    "ModelError",
    "NoAnswer",
    "OutOfReach",
    "Prompt",
    "Sampling",
    "Status",
    "Stream",
    "Thought",
]


class EngineError(UserError):
    """The engine has failed for good."""

    def __init__(self) -> None:
        super().__init__(ENGINE_FAILED)


class ModelError(UserError):
    """The model cannot be loaded; the sentence says why and what to do."""


class OutOfReach(UserError):
    """The engine cannot be reached, or was lost in the middle of an answer; the sentence says which."""


@dataclass(frozen=True)
class Sampling:
    """How an answer's tokens are chosen.

    `temperature` 0 always takes the likeliest token; `top_k` 0 is off; the same `seed` gives the same answer.
    """

    max_new_tokens: int = 200
    temperature: float = 0.7
    top_p: float = 0.9
    top_k: int = 50
    seed: int | None = None


@dataclass(frozen=True)
class Status:
    """What an engine is doing. `precision` is None while the model loads, and `speed` before the first answer.

    `running` and `waiting` count answers; `speed` is in tokens per second over the last passes, all answers together.
    `progressed_at` is when a forward pass ended lately, or when there was something to do again, by `time.monotonic`.
    `tokens` were generated since the start; of the prompts' tokens some were found in the KV cache and the others read.
    What is None, of these, is not known.
    """

    model: str
    precision: str | None
    running: int
    waiting: int
    speed: float | None
    progressed_at: float | None = None
    tokens: int = 0
    prompt_tokens_cached: int | None = None
    prompt_tokens_read: int | None = None


@dataclass(frozen=True)
class Description:
    """A loaded model, and the memory that it takes: its weights, and a KV cache for `at_once` answers.

    `length` is the most tokens, prompt and answer together, of each. A model that cannot be batched has no cache here.
    `plain`: conversations are written down for it in the plain form, not by its chat template.
    """

    architecture: str
    parameters: int
    precision: str
    weight_bytes: int
    cache_bytes: int
    at_once: int
    length: int
    plain: bool


class Engine(Protocol):
    """Generates text. Used from the event loop, which it never keeps waiting."""

    async def ready(self) -> None:
        """Return when the model is loaded. Raises ModelError when it cannot be."""

    async def validated(self) -> None:
        """Return when nothing is known to be wrong with the model, whose weights may still have to be read.

        Raises ModelError when something is.
        """

    async def wait_failed(self) -> None:
        """Wait for the engine to fail for good. Raises EngineError, or ModelError, when it does."""

    def submit(self, prompt: Prompt, sampling: Sampling, channel: int | None = None) -> Stream:
        """Ask for an answer; it comes as pieces of text. Before the model is loaded the request waits.

        Prompts of one `channel` begin alike: an engine of several machines has them read by the same one.
        The stream raises what ends it early: QuestionTooLong, ModelError, NoAnswer, OutOfReach, or whatever broke
        generation.
        """

    def status(self) -> Status:
        """What it is doing now."""

    async def close(self) -> None:
        """Stop all that runs or waits, and let go of the model."""
