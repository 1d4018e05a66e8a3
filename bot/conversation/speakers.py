"""An answer speaks for the bot alone: it loses a name at its beginning, and ends where it goes on for somebody else."""

from dataclasses import replace
from functools import cached_property

import regex

from bot.conversation.text_filter import GrowingTextPattern
from bot.engine import Stream
from bot.engine.prompt import Prompt, clean_name, speakers

_FENCE = "```"


class SpeakerFilter:
    """Filters the answer that a stream gives to a prompt.

    The model speaks for others by what it has read before each question: a name of the conversation and a colon, on a
    line of its own. It may do so for those whom the question names, or an earlier answer spoke for: somebody has asked
    for that. It may also do so in a code block, after a line that ends in a colon, which introduces a list or a
    dialogue, and in an answer that is one from its first two lines on.
    """

    def __init__(self, stream: Stream, prompt: Prompt, bot_name: str) -> None:
        self._stream = stream
        self._prompt = prompt
        self._bot_name = clean_name(bot_name)
        self._text = ""
        self._passed = 0  # index of the first character that is held back
        self._introduced = False
        self.ended = False

    def push(self, text: str) -> str:
        """See TextFilter."""
        self._text += text
        return self._pass_on(self._labels.find_undecided(self._text, self._passed))

    def finish(self) -> str:
        """See TextFilter."""
        return self._pass_on(len(self._text))

    def _pass_on(self, end: int) -> str:
        """The text before an index, without a name at the beginning, and up to where it speaks for somebody."""
        if self.ended:
            return ""
        start = self._passed
        for label in self._labels.find(self._text, start, end):
            if label["dialogue"]:
                self._introduced = True
            elif label["opening"]:
                start = label.end()
            elif not self._may_speak(self._text[: label.start()]):
                self.ended = True
                end = label.start()
                break
        self._passed = max(start, end)
        return self._text[start : self._passed]

    def _may_speak(self, before: str) -> bool:
        """Whether a list or a dialogue was introduced before, or a code block is open."""
        self._introduced = self._introduced or before.rstrip().endswith((":", "："))
        return self._introduced or before.count(_FENCE) % 2 == 1

    @cached_property
    def _labels(self) -> GrowingTextPattern:
        """Names that an answer opens with or a line begins with; known once the stream has begun.

        Small models copy the label of the question before they answer it, so that label is no speech of the asker's.
        """
        bot = regex.escape(self._bot_name)
        others = "|".join(map(regex.escape, self._others())) or "(?!)"
        other = rf"(?:{others}):(?!\S)"
        return GrowingTextPattern(
            rf"(?P<dialogue>\A(?P<first>{others}):(?!\S).*\n+(?!(?P=first):)(?:{others}|{bot}):(?!\S))"
            rf"|(?P<opening>\A(?:{bot}:\s*(?:{other}\s*)?|{other}\s*))|\n{other}"
        )

    def _others(self) -> set[str]:
        """Those for whom the model may not speak, of all whom it has been shown as speakers."""
        turns, read = self._prompt.turns, self._stream.turns_read
        shown = replace(self._prompt, turns=turns if read is None else turns[len(turns) - read :])
        answers = "\n".join(turn.answer for turn in shown.turns)
        return {
            name
            for name in speakers(shown)
            if not _mentions(self._prompt.question, name)
            and not regex.search(rf"^{regex.escape(name)}:(?!\S)", answers, regex.MULTILINE)
        }


def _mentions(text: str, name: str) -> bool:
    return bool(regex.search(rf"(?<!\w){regex.escape(name)}(?!\w)", text, regex.IGNORECASE))
