"""What people say to the demo model, and what it answers: read from the text files in `phrases/`.

A block of phrases is one situation or one kind of fact. A situation has a single answer in a single wording, so
that sampling cannot go wrong. Some phrases of each block are held out of training, for the evaluation.
"""

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from bot.demo.values import Split

_FOLDER = Path(__file__).parent / "phrases"
_CONTRACTIONS = {"s": " is", "m": " am", "re": " are", "ll": " will", "ve": " have"}


class Phrases(NamedTuple):
    """The ways to say one thing, by side of the split."""

    train: tuple[str, ...]
    held_out: tuple[str, ...]

    def of(self, split: Split) -> tuple[str, ...]:
        """The phrases of one side."""
        return self.train if split == "train" else self.held_out


def normal(phrase: str) -> str:
    """The wording of a phrase: without the casing, punctuation, contractions and spelling that may vary."""
    phrase = re.sub(r"'(s|m|re|ll|ve)\b", lambda end: _CONTRACTIONS[end[1]], phrase.casefold().replace("\u2019", "'"))
    phrase = phrase.replace("n't", " not").replace("color", "colour").replace("favorite", "favourite")
    return re.sub(r"[^\w{}/+*]+", " ", phrase).strip()


def _read(file: str) -> dict[str, list[str]]:
    """The lines under each [heading] of a file, in their order."""
    blocks: dict[str, list[str]] = {}
    for line in map(str.strip, (_FOLDER / file).read_text(encoding="utf-8").splitlines()):
        if line.startswith("["):
            lines = blocks[line[1:-1]] = []
        elif line and not line.startswith("#"):
            lines.append(line)
    return blocks


def _split(phrases: list[str]) -> Phrases:
    """Holds out the fourth of every eight wordings that can be understood from the others.

    These are the wordings of two words or more in which every word also occurs in another wording of training:
    nobody can work out what "sleep well" means from other phrases. A phrase that stands twice stays in training.
    """
    wordings: dict[str, list[str]] = {}
    for phrase in phrases:
        wordings.setdefault(normal(phrase), []).append(phrase)
    uses = Counter(word for wording in wordings for word in set(wording.split()))
    held_out: set[str] = set()
    guessable = 0
    for wording, same in wordings.items():
        words = set(wording.split())
        if len(words) > 1 and len(set(same)) == len(same) and all(uses[word] > 1 for word in words):
            guessable += 1
            if guessable % 8 == 4:
                held_out.add(wording)
                uses.subtract(words)
    return Phrases(
        train=tuple(phrase for wording, same in wordings.items() if wording not in held_out for phrase in same),
        held_out=tuple(phrase for wording, same in wordings.items() if wording in held_out for phrase in same),
    )


def _situations(file: str) -> dict[str, tuple[str, Phrases]]:
    """The answer and the phrases of each situation; the answer is the first line of its block."""
    return {name: (answer.removeprefix("→ "), _split(said)) for name, (answer, *said) in _read(file).items()}


def _kinds(file: str) -> dict[str, Phrases]:
    """The phrases for each kind of fact."""
    return {kind: _split(said) for kind, said in _read(file).items()}


# Messages that always have the same answer.
TALK = {**_situations("small_talk.txt"), **_situations("about_parley.txt"), **_situations("out_of_scope.txt")}

# How facts are told and asked for. A frame goes around a statement, or around the object of a question.
TELL = _kinds("telling.txt")
TELL_FRAMES = TELL.pop("frame")
ASK = _kinds("asking.txt")
ASK_FRAMES = ASK.pop("frame")
ASK_ABOUT = _kinds("asking_about_others.txt")

# Objects of questions in a frame: for a fact of the speaker's own, and of another person's.
OBJECTS: dict[str, tuple[str, ...]] = {
    "name": ("my name", "my name", "what my name is", "who i am", "what i am called"),
    "live": ("where i live", "where i live", "which city i live in", "my city"),
    "called": ("my {k}'s name", "my {k}'s name", "the name of my {k}", "what my {k} is called"),
    "pet": ("what pet i have", "which pet i have", "my pet"),
    "my": ("my {k}", "my {k}", "what my {k} is"),
    "the": ("the {k}", "the {k}", "the {k} i told you", "which {k} i told you", "what the {k} is"),
    "favourite colour": ("which colour i like best", "what color i like"),
    "favourite number": ("which number i like best",),
}
OBJECTS_ABOUT: dict[str, tuple[str, ...]] = {
    "name": ("{p}'s name", "what {p}'s name is"),
    "live": ("where {p} lives",),
    "called": ("{p}'s {k}'s name", "the name of {p}'s {k}", "what {p}'s {k} is called"),
    "my": ("{p}'s {k}", "what {p}'s {k} is"),
}

REPEAT = _kinds("repeating.txt")["repeat"]

NOTHING_KNOWN = "I don't know anything about you. You haven't told me in the turns I can see."

# What other models answer to a fact. It occurs in the history, but the demo model does not learn to say it.
PLAIN_REPLIES = (
    "Okay.",
    "I see.",
    "Noted.",
    "Thank you for telling me.",
    "That is good to know.",
    "All right!",
    "Interesting!",
    "Thanks!",
    "Good.",
    "Sure.",
)

SYSTEM_PROMPT = "You are Parley, a friendly assistant in a chat. Answer briefly and clearly."
_PROMPTS = _read("system_prompts.txt")
SYSTEM_PROMPTS = Phrases(tuple(_PROMPTS["train"]), tuple(_PROMPTS["held out"]))

_WORDS = {name: " ".join(lines).split() for name, lines in _read("words.txt").items()}
PETS = _WORDS["pets"]
NAMED = _WORDS["named"]
FAVOURITES = _WORDS["favourites"]
REMEMBERED = _WORDS["remembered"]
OPENERS = tuple(f"{word} " for word in _WORDS["openers"])
FILLERS = _WORDS["fillers"]
ADJECTIVES = _WORDS["adjectives"]
SUBJECTS = _WORDS["subjects"]

_BLOCKS = (
    *(block for _, block in TALK.values()),
    *TELL.values(),
    *ASK.values(),
    *ASK_ABOUT.values(),
    *(TELL_FRAMES, ASK_FRAMES, REPEAT),
)
HELD_OUT = frozenset(normal(phrase) for block in _BLOCKS for phrase in block.held_out)
WORDS = sorted(
    {word for block in _BLOCKS for phrase in block.train for word in re.findall(r"[a-z]{2,}", phrase)}
    | {*PETS, *NAMED, *FAVOURITES, *REMEMBERED}
)
