"""Words by which the bot is called."""

from collections.abc import Sequence

import regex

from bot.engine.escaping import normalize
from bot.messages.mentions import MENTION

# What a person shows rather than says: code, links with their text, addresses, and quoted lines.
_SHOWN = regex.compile(
    r"(?<!`)(?P<ticks>`+)(?!`)[\s\S]*?(?<!`)(?P=ticks)(?!`)"
    r"|\[[^\[\]\n]*\]\(<?https?://[^()\s]*[^()\n]*\)"
    r"|\w+://\S+|www\.\S+|[\w.+-]+@[\w.-]+|\w[\w-]*(?:\.[\w-]+)+/\S*"
    r"|^ *>>> [\s\S]*"
    r"|^ *> .*",
    regex.MULTILINE,
)
# A boundary of the simple kind, or one of Unicode, which also divides scripts that are written without spaces.
# An underscore marks a word as italic, or joins words to the name of a variable.
_START, _END = r"(?:(?<![^\W_]_*)|(?w:\b))", r"(?:(?!_*[^\W_])|(?w:\b))"


class WakeWords:
    """Finds words in what somebody says, whole and in any case."""

    def __init__(self, words: Sequence[str]) -> None:
        spaced = (r"\s+".join(map(regex.escape, normalize(word).split())) for word in words)
        pattern = rf"{_START}(?:{'|'.join(spaced)}){_END}"
        self._pattern = regex.compile(pattern, regex.IGNORECASE | regex.FULLCASE) if words else None

    def are_in(self, text: str) -> bool:
        """Whether one of the words is said in a text as it was written in Discord."""
        if not self._pattern:
            return False
        said = MENTION.sub(" ", _SHOWN.sub(" ", text))
        return self._pattern.search(normalize(said)) is not None
