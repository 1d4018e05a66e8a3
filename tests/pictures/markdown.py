"""The part of Discord's Markdown that the conversation uses: code, bold text and mentions."""

import html
import re

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name

from tests.discord_stand_in import Message

_MARKS = re.compile(
    r"\n?```(?P<language>\w+)\n(?P<block>.*?)```\n?"
    r"|`(?P<code>[^`]+)`"
    r"|\*\*(?P<bold>.+?)\*\*"
    r"|&lt;@(?P<user>\d+)&gt;",
    re.DOTALL,
)


def markdown(message: Message) -> str:
    """A message's content as HTML."""

    def element(mark: re.Match[str]) -> str:
        match mark.lastgroup:
            case "block":
                return f"<pre>{_highlighted(html.unescape(mark['block']), mark['language'])}</pre>"
            case "code":
                return f"<code>{mark['code']}</code>"
            case "bold":
                return f"<strong>{mark['bold']}</strong>"
        user = message.channel.discord.users[int(mark["user"])]
        return f'<span class="mention">@{html.escape(user.name_in(message.channel))}</span>'

    return _MARKS.sub(element, html.escape(message.content))


def _highlighted(code: str, language: str) -> str:
    formatter = HtmlFormatter(nowrap=True, noclasses=True, style="one-dark")
    return highlight(code, get_lexer_by_name(language), formatter).rstrip()
