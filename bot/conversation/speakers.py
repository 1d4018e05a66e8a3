"""An answer speaks for the bot alone: it loses a name at its beginning, and ends where it goes on for somebody else."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import regex

from bot.conversation.text_filter import LONGEST
from bot.engine import Stream
from bot.engine.prompt import Prompt, clean_name, speakers

_FENCE = "```"


class SpeakerFilter:
    """Filters the answer that a stream gives to a prompt.

    The model speaks for others by what it has read before each question: a label, which is a name of the conversation
    and a colon, at the beginning of a line. It may do so for those whom the question names, or an earlier answer spoke
    for: somebody has asked for that. It may also do so in a code block, after a line that ends in a colon, which
    introduces a list or a dialogue, and in an answer that is one from its first two lines on. Small models copy the
    label of the question before they answer it, so a label at the very beginning is no speech of somebody else's.
    """

    def __init__(self, stream: Stream, prompt: Prompt, bot_name: str) -> None:
        self._stream = stream
        self._prompt = prompt
        self._own = f"{clean_name(bot_name)}:"
        self._text = ""
        self._passed: int | None = None  # index of the first character that is held back; None: all may be a label
        self._introduced = False
        self.ended = False

    def push(self, text: str) -> str:
        """See TextFilter."""
        self._text += text
        return self._pass_on(more=True)

    def finish(self) -> str:
        """See TextFilter."""
        return self._pass_on(more=False)

    def _pass_on(self, *, more: bool) -> str:
        """The text that is certain, up to where it speaks for somebody; `more` text may come."""
        if self._passed is None:
            self._passed = self._find_beginning(more=more and len(self._text) < LONGEST)
        if self._passed is None or self.ended:
            return ""
        start, line = self._passed, self._text.rfind("\n") + 1
        undecided = more and line > 0 and _may_become(self._text[line:], self._labels)
        end = line - 1 if undecided else len(self._text)
        at = start - 1
        while (at := self._text.find("\n", at + 1, end)) >= 0:
            if _label(self._text, self._labels, at + 1) and not self._may_speak(self._text[:at]):
                self.ended = True
                end = at
                break
        self._passed = max(start, end)
        return self._text[start : self._passed]

    def _find_beginning(self, *, more: bool) -> int | None:
        """The index behind the labels that the text begins with; None if what it begins with is undecided."""
        rest = self._text
        for labels in ((self._own,), self._labels):
            if more and _may_become(rest, labels):
                return None
            label = _label(rest, labels)
            if label in self._labels and rest == self._text:
                _, _, below = rest.partition("\n")
                others = [other for other in (*self._labels, self._own) if other != label]
                if more and _may_become(below.lstrip("\n"), others):
                    return None
                if _label(below.lstrip("\n"), others):
                    self._introduced = True
                    return 0
            rest = rest[len(label) :].lstrip() if label else rest
            if more and not rest:
                return None
        return len(self._text) - len(rest)

    def _may_speak(self, before: str) -> bool:
        """Whether a list or a dialogue was introduced before, or a code block is open."""
        self._introduced = self._introduced or before.rstrip().endswith((":", "："))
        return self._introduced or before.count(_FENCE) % 2 == 1

    @cached_property
    def _labels(self) -> tuple[str, ...]:
        """Those of all whom the model has been shown as speakers and may not speak for; known once the stream began."""
        turns, read = self._prompt.turns, self._stream.turns_read
        shown = replace(self._prompt, turns=turns if read is None else turns[len(turns) - read :])
        lines = [line for turn in shown.turns for line in turn.answer.split("\n")]
        labels = {name: f"{name}:" for name in speakers(shown) if not _mentions(self._prompt.question, name)}
        return tuple(label for label in labels.values() if not any(_label(line, (label,)) for line in lines))


def _label(text: str, labels: Sequence[str], start: int = 0) -> str:
    """The label that stands in a text at `start`, before white space or its end; else an empty string."""
    found = (each for each in labels if text.startswith(each, start))
    return next((each for each in found if not text[start + len(each) : start + len(each) + 1].strip()), "")


def _may_become(text: str, labels: Sequence[str]) -> bool:
    """Whether a text that still grows may begin with a label once it has more."""
    return any(each.startswith(text) for each in labels)


def _mentions(text: str, name: str) -> bool:
    return name.casefold() in text.casefold() and bool(
        regex.search(rf"(?<!\w){regex.escape(name)}(?!\w)", text, regex.IGNORECASE)
    )
