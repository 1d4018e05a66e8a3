"""What a reasoning model thinks before it answers, told apart from what it says."""

BEGIN, END = "<think>", "</think>"


class Thought(str):
    """A piece of what the model thinks: nothing that it says."""

    __slots__ = ()


class ReasoningParser:
    """Splits an answer's growing text into thoughts and what is said.

    An answer may begin with thoughts between `<think>` and `</think>`; the marks are left out, and so is white space
    before the first word. `thinking`: the prompt ends in the first mark, as some models' chat templates make it.
    """

    def __init__(self, *, thinking: bool = False) -> None:
        self._may_think = not thinking
        self._thinking = thinking
        self._held = ""  # text that may turn out to be a mark
        self._begun = False  # whether anything has been said

    def push(self, text: str) -> list[str]:
        """Take the next piece of text; returns the pieces that are now certain."""
        self._held += text
        if self._may_think:
            begun = self._held.lstrip()
            if len(begun) < len(BEGIN) and BEGIN.startswith(begun):
                return []
            self._may_think = False
            if begun.startswith(BEGIN):
                self._thinking = True
                self._held = begun.removeprefix(BEGIN)
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
            said = self._held if self._begun else self._held.lstrip()
            self._begun, self._held = bool(said) or self._begun, ""
            pieces.append(said)
        return [piece for piece in pieces if piece]

    def finish(self) -> list[str]:
        """The piece that was held back, when no more text comes."""
        rest = Thought(self._held) if self._thinking else self._held.lstrip()
        return [rest] if rest else []


def overlap(text: str, mark: str) -> int:
    """How many of the text's last characters are the mark's first."""
    return next((size for size in range(len(mark) - 1, 0, -1) if text.endswith(mark[:size])), 0)
