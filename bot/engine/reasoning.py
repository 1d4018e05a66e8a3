"""A model's reasoning, separated from its answer."""

BEGIN, END = "<think>", "</think>"


class Thought(str):
    """A piece of a model's reasoning, which is no part of its answer."""

    __slots__ = ()


class ReasoningParser:
    """Splits a growing text into reasoning and answer.

    The text may begin with reasoning between `<think>` and `</think>`. The marks are left out, and so is white space
    before the answer. `thinking`: the opening mark is already in the prompt, where some models' chat templates put it.
    """

    def __init__(self, *, thinking: bool = False) -> None:
        self._may_think = not thinking
        self._thinking = thinking
        self._held = ""  # text that may be the beginning of a mark
        self._answering = False

    def push(self, text: str) -> list[str]:
        """Add the next piece of text; returns the pieces that are now certain."""
        self._held += text
        if self._may_think:
            self._held = self._held.lstrip()
            if len(self._held) < len(BEGIN) and BEGIN.startswith(self._held):
                return []
            self._may_think = False
            if self._held.startswith(BEGIN):
                self._thinking = True
                self._held = self._held.removeprefix(BEGIN)
        pieces: list[str] = []
        if self._thinking:
            thought, end, rest = self._held.partition(END)
            if end:
                self._thinking, self._held = False, rest
            else:
                cut = len(thought) - overlap(thought, END)
                thought, self._held = thought[:cut], thought[cut:]
            pieces.append(Thought(thought))
        if not self._thinking:
            answer = self._held if self._answering else self._held.lstrip()
            self._answering, self._held = bool(answer) or self._answering, ""
            pieces.append(answer)
        return [piece for piece in pieces if piece]

    def finish(self) -> list[str]:
        """The piece that was held back, as no more text comes."""
        rest = Thought(self._held) if self._thinking else self._held.lstrip()
        return [rest] if rest else []


def overlap(text: str, mark: str) -> int:
    """The length of the longest end of the text that begins the mark."""
    return next((size for size in range(len(mark) - 1, 0, -1) if text.endswith(mark[:size])), 0)
