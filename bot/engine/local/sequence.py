"""One answer on its way from a request to the end of its stream."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from bot.engine import Sampling, Stream
from bot.engine.local.detokenizer import Decoder
from bot.engine.local.sampler import Sampler
from bot.engine.models.loading import LoadedModel
from bot.engine.prompt import Prompt
from bot.engine.reasoning import BEGIN, ReasoningParser

_TAIL = 2 * len(BEGIN)  # tokens in which a template's opening mark, and line breaks after it, have room


@dataclass(frozen=True)
class Request:
    """What somebody asked, and where the answer goes."""

    prompt: Prompt
    sampling: Sampling
    stream: Stream


class Answer:
    """Chooses an answer's tokens from logits and writes their text to the stream, until it is `done`.

    `tokens` are the prompt and what has been chosen since; `limit` is the most there may be of both.
    """

    def __init__(
        self, request: Request, prompt: Sequence[int], loaded: LoadedModel, *, penalty: float, limit: int
    ) -> None:
        self.stream = request.stream
        self.tokens = list(prompt)
        self._limit = min(limit, len(prompt) + request.sampling.max_new_tokens)
        self._end_tokens = loaded.end_tokens
        self._sampler = Sampler(request.sampling, penalty, prompt)
        self._decoder = Decoder(loaded.tokenizer, loaded.form.stop(loaded.tokenizer))
        end_of_prompt = loaded.tokenizer.decode(prompt[-_TAIL:])
        self._thinking_marks = loaded.thinking_marks
        self._splitter = ReasoningParser(thinking=end_of_prompt.rstrip().endswith(BEGIN))

    @property
    def left(self) -> int:
        """How many more tokens there may be."""
        return self._limit - len(self.tokens)

    def go_on(self, logits: torch.Tensor) -> bool:
        """Choose the next token, from logits (vocabulary); returns whether the answer goes on after it."""
        token = self._sampler.choose(logits)
        self.tokens.append(token)
        if token not in self._end_tokens:
            self._write(self._splitter.push(self._decoder.push(token) + self._thinking_marks.get(token, "")))
            if self.left and not self._decoder.stopped:
                return True
        self._write(self._splitter.push(self._decoder.finish()))
        self._write(self._splitter.finish())
        return False

    def _write(self, pieces: Sequence[str]) -> None:
        for piece in pieces:
            self.stream.put(piece)
