"""One request on its way from the prompt to the end of its stream."""

from dataclasses import dataclass

import torch

from bot.engine import Sampling, Stream
from bot.engine.local.detokenizer import Detokenizer
from bot.engine.local.sampler import Sampler
from bot.engine.models.loading import LoadedModel
from bot.engine.prompt import Prompt
from bot.engine.reasoning import BEGIN, ReasoningParser

_TAIL = 2 * len(BEGIN)  # tokens; enough for a template's opening mark and the line breaks after it


@dataclass(frozen=True)
class Request:
    """What is asked, and the stream for the answer."""

    prompt: Prompt
    sampling: Sampling
    stream: Stream


class Sequence:
    """The tokens of one request: the prompt's and those generated since.

    `limit` bounds both together. `slot` and `cached` are the scheduler's: the slot in the KV cache, and how many of the
    tokens have their keys and values there. A runner sets `error` when the sequence fails.
    """

    def __init__(self, request: Request, prompt: list[int], loaded: LoadedModel, *, penalty: float, limit: int) -> None:
        self.stream = request.stream
        self.tokens = list(prompt)
        self.slot = -1
        self.cached = 0
        self.error: BaseException | None = None
        self._limit = min(limit, len(prompt) + request.sampling.max_new_tokens)
        self._end_tokens = loaded.end_tokens
        self._sampler = Sampler(request.sampling, penalty, prompt)
        self._detokenizer = Detokenizer(loaded.tokenizer, loaded.stop, loaded.hidden_tokens)
        end_of_prompt = loaded.tokenizer.decode(prompt[-_TAIL:])
        self._parser = ReasoningParser(thinking=end_of_prompt.rstrip().endswith(BEGIN))

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
        return False

    def _write(self, pieces: list[str]) -> None:
        for piece in pieces:
            self.stream.put(piece)
