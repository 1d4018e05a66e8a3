"""One request on its way from the prompt to the end of its stream."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch

from bot.engine import Sampling, Stream
from bot.engine.local.detokenizer import Detokenizer
from bot.engine.local.sampler import Sampler
from bot.engine.models.loading import LoadedModel
from bot.engine.prompt import Prompt
from bot.engine.reasoning import BEGIN, ReasoningParser, Thought

_TAIL = 2 * len(BEGIN)  # tokens; enough for a template's opening mark and the line breaks after it


@dataclass(frozen=True)
class Request:
    """What is asked, and the stream for the answer."""

    prompt: Prompt
    sampling: Sampling
    stream: Stream


class Sequence:
    """The tokens of one request: the prompt's, those of the answer's beginning, and those generated since.

    `limit` bounds all together. `slot` and `cached` are the scheduler's: the slot in the KV cache, and how many of the
    tokens have their keys and values there. A runner sets `error` when the sequence fails.
    """

    def __init__(
        self,
        request: Request,
        prompt: list[int],
        loaded: LoadedModel,
        *,
        beginning: list[int] | None = None,
        penalty: float,
        limit: int,
    ) -> None:
        self.request = request
        self.stream = request.stream
        self.tokens = [*prompt, *(beginning or ())]
        self.cut = False
        """Whether the length has ended the answer."""
        self.slot = -1
        self.cached = 0
        self.error: BaseException | None = None
        self._answer_at = len(prompt)
        self._limit = min(limit, len(self.tokens) + request.sampling.max_new_tokens)
        self._end_tokens = loaded.end_tokens
        self._sampler = Sampler(request.sampling, penalty, self.tokens, sampled=len(beginning or ()))
        self._detokenizer = Detokenizer(loaded.tokenizer, loaded.stop, loaded.hidden_tokens)
        end_of_prompt = loaded.tokenizer.decode(prompt[-_TAIL:])
        self._parser = ReasoningParser(thinking=end_of_prompt.rstrip().endswith(BEGIN))
        self._repeat(beginning or ())

    @property
    def answer(self) -> tuple[int, ...]:
        """The tokens of the answer."""
        return tuple(self.tokens[self._answer_at :])

    @property
    def pending(self) -> int:
        """How many tokens the next forward passes have to compute."""
        return len(self.tokens) - self.cached

    @property
    def remaining(self) -> int:
        """How many more tokens may be generated."""
        return self._limit - len(self.tokens)

    def advance(self, logits: torch.Tensor) -> bool:
        """Sample the next token from logits (vocabulary) and stream its text; returns False after the last one."""
        token = self._sampler.sample(logits)
        self.tokens.append(token)
        if token not in self._end_tokens:
            self._write(self._parser.push(self._detokenizer.push(token)))
            if self.remaining and not self._detokenizer.stopped:
                return True
        self._write(self._parser.push(self._detokenizer.finish()))
        self._write(self._parser.finish())
        self.cut = token not in self._end_tokens and not self._detokenizer.stopped
        return False

    def _repeat(self, beginning: Iterable[int]) -> None:
        """Stream the text of an answer's beginning as a single piece, after its thoughts.

        Text that may be a part of a stop string, or half a character, waits for what follows it.
        """
        pieces = [piece for token in beginning for piece in self._parser.push(self._detokenizer.push(token))]
        thoughts = Thought("".join(piece for piece in pieces if isinstance(piece, Thought)))
        said = "".join(piece for piece in pieces if not isinstance(piece, Thought))
        self._write([piece for piece in (thoughts, said) if piece])

    def _write(self, pieces: list[str]) -> None:
        for piece in pieces:
            self.stream.put(piece)
