"""One phrase as different people type it: casing, punctuation, typos, words added or left out."""

import random
import re

from bot.demo import phrasebook


def sentence_case(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def american(text: str) -> str:
    """The text in American spelling, as far as the phrases need it."""
    return text.replace("colour", "color").replace("favourite", "favorite")


def _typo(rng: random.Random, word: str) -> str:
    """The word with one inner letter missing, doubled, or swapped with the next."""
    at = rng.randrange(1, len(word) - 1)
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return rng.choice((word[:at] + word[at + 1 :], swapped, word[:at] + word[at] + word[at:]))


def vary(rng: random.Random, phrase: str, ending: bool = True, rare: int = 1) -> str:
    """A phrase in random casing and punctuation, at times with a typo; slots stay as they are.

    Args:
        rng: the source of every choice.
        phrase: the phrase, in lower case.
        ending: whether punctuation or a smiley may be put at the end.
        rare: multiplies how often there is a typo, or the phrase is all in capitals.
    """
    if ending and phrase.endswith("?"):
        phrase = phrase[:-1] + rng.choices(("?", "", "??", " ?", "."), (65, 28, 3, 2, 2))[0]
    elif ending and phrase[-1] not in ".!?:)":
        phrase += rng.choices(("", ".", "!", "!!", "..."), (58, 28, 10, 2, 2))[0]
    if ending and rng.random() < 0.05:
        phrase += rng.choice((" :)", " 😀", " :D", " 🙂"))
    if rng.random() < 0.1:
        phrase = rng.choice(phrasebook.OPENERS) + phrase
    if rng.random() < 0.3:
        phrase = american(phrase)
    style = rng.random()
    parts = re.split(r"(\{\w\})", phrase)
    typo = rng.randrange(60 // rare)
    for i in range(0, len(parts), 2):
        part = parts[i]
        if style < 0.55:
            part = re.sub(r"\bi\b", "I", part)
        elif style < 0.55 + 0.01 * rare:
            part = part.upper()
        if "'" in part[1:] and (change := rng.random()) < 0.3:
            part = part.replace("'", "\u2019" if change < 0.12 else "")
        if i == typo:
            long_words = re.findall(r"[a-z]{4,}", part)
            if long_words:
                word = rng.choice(long_words)
                part = part.replace(word, _typo(rng, word), 1)
        parts[i] = part
    if style < 0.5 or 0.58 < style < 0.64:
        parts[0] = sentence_case(parts[0])
    return "".join(parts)


def loosen(rng: random.Random, phrase: str, *, shorten: bool) -> str:
    """A phrase with words added at random or, if `shorten`, one left out. Keeps every slot. For training only."""
    words = phrase.split(" ")
    changed = list(words)
    chance = rng.random()
    if chance < 0.1 and len(words) > 1:
        changed.insert(rng.randrange(1, len(words)), rng.choice(phrasebook.FILLERS))
    elif chance < 0.13 and shorten and len(words) > 3:
        del changed[rng.choice([i for i, word in enumerate(words) if "{" not in word] or [0])]
    if rng.random() < 0.08 and "{k}" in changed:
        changed.insert(changed.index("{k}"), rng.choice(phrasebook.ADJECTIVES))
    loose = " ".join(changed)
    kept = all(slot in loose for slot in re.findall(r"\{\w\}", phrase))
    return loose if kept else phrase


def filled(text: str, **slots: str) -> str:
    """The text with a value in each slot."""
    return re.sub(r"\{(\w)\}", lambda slot: slots[slot[1]], text)
