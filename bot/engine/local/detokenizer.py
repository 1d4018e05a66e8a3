"""Token ids → text, as it grows: never half a character, nothing past a stop string."""

from collections.abc import Sequence

from bot.engine.prompt import Tokenizer
from bot.engine.reasoning import overlap

_HALF_CHARACTER = "\ufffd"


class Decoder:
    """Decodes one answer token by token.

    A token may end within a character or look different beside its neighbours, so each step decodes a short
    window that begins before the last text handed out, and hands out what that adds. Special tokens are left out. (The
    window is the method of Hugging Face's text-generation-inference.)
    """

    def __init__(self, tokenizer: Tokenizer, stop: Sequence[str] = ()) -> None:
        self._tokenizer = tokenizer
        self._stop = tuple(stop)
        self._ids: list[int] = []
        self._window = 0  # where the window begins
        self._handed_out = 0  # how many ids have their text handed out
        self._held = ""  # text that may turn out to be the beginning of a stop string
        self.stopped = False
        """Whether a stop string has come up; no text follows it."""

    def push(self, token: int) -> str:
        """Take the next token id; returns the text that is now certain, often none."""
        self._ids.append(token)
        before, after = self._decode(self._ids[self._window : self._handed_out]), self._tail()
        if len(after) <= len(before) or after.endswith(_HALF_CHARACTER):
            return ""
        self._window, self._handed_out = self._handed_out, len(self._ids)
        return self._release(after[len(before) :])

    def finish(self) -> str:
        """Returns what was held back, when no more tokens come; half a character is dropped."""
        before = self._decode(self._ids[self._window : self._handed_out])
        text = self._release(self._tail()[len(before) :].rstrip(_HALF_CHARACTER))
        return text if self.stopped else text + self._held

    def _tail(self) -> str:
        return self._decode(self._ids[self._window :])

    def _decode(self, ids: list[int]) -> str:
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    def _release(self, text: str) -> str:
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
