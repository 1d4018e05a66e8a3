"""The placeholders of a persona, such as {channel}, and what stands for them."""

import re
from dataclasses import dataclass
from datetime import date

from bot.texts import NAME

_PLACEHOLDER = re.compile(r"\{(date|server|channel|topic|bot)\}")


@dataclass(frozen=True)
class Placeholders:
    """What stands for each placeholder in one place, but for {date}."""

    server: str
    channel: str
    topic: str = "none"
    bot: str = NAME

    def fill(self, persona: str, day: date) -> str:
        """The persona with its placeholders filled in, once: what stands for one is not filled in again.

        Nothing in it is more precise than the day, so that the KV cache keeps a prompt's beginning.
        """
        values = vars(self) | {"date": f"{day:%A}, {day.day} {day:%B} {day.year}"}
        return _PLACEHOLDER.sub(lambda found: values[found[1]], persona)


TERMINAL = Placeholders("this computer", "a terminal")
