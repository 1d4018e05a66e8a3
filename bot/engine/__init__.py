"""Text generation: the Engine protocol, what an engine is given and what it returns, and how it fails.

An engine knows neither Discord nor what is stored.

prompt         a conversation, and an answer's beginning → token ids or chat messages, within a token budget
chat_template  a tokenizer's chat template, and its marks
escaping       marks that people write, broken
stream         Stream: the boundary between the generating thread and the event loop
reasoning      ReasoningParser: a model's reasoning, separated from its answer
throughput     Throughput: tokens, their rate, and the last progress
local/         a model on this machine's CPU
models/        where weights come from
kernels/       linear layers in each precision
remote/        servers that speak OpenAI's chat completions
"""

from dataclasses import dataclass
from typing import Protocol

from bot.engine.chat_template import ChatTemplate
from bot.engine.prompt import Beginning, Prompt
from bot.engine.reasoning import Thought
from bot.engine.stream import NoAnswer, Stream
from bot.errors import UserError
from bot.texts import ENGINE_FAILED

__all__ = [
    "Beginning",
    "Description",
    "Engine",
    "EngineError",
    "ModelError",
    "NoAnswer",
    "NotContinuable",
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
    """The engine's servers give no answer, or one broke it off; the sentence says which.

    `todo` tells the operator what to do about it.
    """

    def __init__(self, sentence: str, todo: str = "") -> None:
        super().__init__(sentence)
        self.todo = todo


class NotContinuable(UserError):
    """An answer cannot be continued; the sentence says why."""


@dataclass(frozen=True)
class Sampling:
    """How an answer's tokens are sampled.

    `temperature` 0 is greedy; `top_k` 0 is off; the same `seed` gives the same answer.
    """

    max_new_tokens: int = 200
    temperature: float = 0.7
    top_p: float = 0.9
    top_k: int = 50
    seed: int | None = None


@dataclass(frozen=True)
class Status:
    """What an engine is doing. `precision` is None while the model loads, and `speed` before the first answer.

    `running` and `waiting` count answers. `speed` is in tokens per second over the last forward passes, all answers
    together. `progressed_at` is when the last forward pass ended, or when the first request after an idle time came,
    by `time.monotonic`. `tokens` counts those generated since the start. Of the prompts' tokens, some were found in the
    KV cache and the others were computed (`prompt_tokens_read`). Anything may be None where it is not known. `digest`
    is of the model's weights; empty while it is not known.
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
    digest: str = ""


@dataclass(frozen=True)
class Description:
    """A loaded model, and the memory it takes: its weights, and a KV cache for `max_batch` answers.

    `library` computes its linear layers. `max_length` bounds the tokens of each answer, with its prompt. `cache_bytes`
    is 0 for a model that cannot be batched. `template` says how its chat template is used; None where conversations are
    rendered as plain lines.
    """

    architecture: str
    parameters: int
    precision: str
    library: str
    weight_bytes: int
    cache_bytes: int
    max_batch: int
    max_length: int
    template: ChatTemplate | None


class Engine(Protocol):
    """Generates text. Used from the event loop, which it never blocks."""

    async def ready(self) -> None:
        """Return when the model is loaded. Raises ModelError when it cannot be."""

    async def validated(self) -> None:
        """Return when everything but the weights has been checked. Raises ModelError when something is wrong."""

    async def wait_failed(self) -> None:
        """Wait until the engine fails for good. Raises EngineError, or ModelError, when it does."""

    def submit(self, prompt: Prompt, sampling: Sampling, channel: int | None = None) -> Stream:
        """Ask for an answer, as a stream of pieces of text. Before the model is loaded the request waits.

        Prompts of one `channel` begin alike, so an engine with several servers keeps a channel on one of them. Where
        the prompt has an answer's beginning, the stream repeats it before what is new.
        The stream raises what ends it early: QuestionTooLong, NotContinuable, ModelError, NoAnswer, OutOfReach, or any
        exception of the generation itself.
        """

    def status(self) -> Status:
        """What the engine is doing now."""

    async def close(self) -> None:
        """Stop all requests, and release the model."""
