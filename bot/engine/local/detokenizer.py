"""Token ids → text, incrementally: never half a character, nothing from a stop string on."""

from collections.abc import Sequence, Set

from bot.engine.chat_template import Tokenizer
from bot.engine.reasoning import overlap

_HALF_CHARACTER = "\ufffd"


class Detokenizer:
    """Decodes one sequence, token by token; `hidden` ones are left out.

    A token may end within a character, or decode differently beside its neighbours. So each step decodes a short window
    that begins before the last emitted text, and emits what the new token adds. (The window is the method of Hugging
    Face's text-generation-inference.)
    """

    def __init__(self, tokenizer: Tokenizer, stop: Sequence[str] = (), hidden: Set[int] = frozenset()) -> None:
        self._tokenizer = tokenizer
        self._hidden = hidden
        self._stop = tuple(stop)
        self._ids: list[int] = []
        self._window = 0  # index of the window's first id
        self._emitted = 0  # number of ids whose text has been emitted
        self._held = ""  # text that may be the beginning of a stop string
        self.stopped = False
        """Whether a stop string has come up; no text follows it."""

    def push(self, token: int) -> str:
        """Add the next token id; returns the text that is now certain, often none."""
        self._ids.append(token)
        before, after = self._decode(self._ids[self._window : self._emitted]), self._decode_tail()
        if len(after) <= len(before) or after.endswith(_HALF_CHARACTER):
            return ""
        self._window, self._emitted = self._emitted, len(self._ids)
        return self._emit(after[len(before) :])

    def finish(self) -> str:
        """Returns the text held back so far, as no more tokens come; half a character is dropped."""
        before = self._decode(self._ids[self._window : self._emitted])
        text = self._emit(self._decode_tail()[len(before) :].rstrip(_HALF_CHARACTER))
        return text if self.stopped else text + self._held

    def _decode_tail(self) -> str:
        return self._decode(self._ids[self._window :])

    def _decode(self, ids: list[int]) -> str:
        shown = [token for token in ids if token not in self._hidden]
        text: str = self._tokenizer.decode(shown, clean_up_tokenization_spaces=False)
        return text

    def _emit(self, text: str) -> str:
        if self.stopped:
            return ""
        text, self._held = self._held + text, ""
        found = [at for mark in self._stop if (at := text.find(mark)) >= 0]
        if found:
            self.stopped = True
            return text[: min(found)]
        held = max((overlap(text, mark) for mark in self._stop), default=0)
        cut = len(text) - held
        self._held = text[cut:]
        return text[:cut]
