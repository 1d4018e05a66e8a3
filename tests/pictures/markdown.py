"""The part of Discord's Markdown that the scenes use: code, bold text, quotes, mentions and links to messages."""

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
    r"|(?:^|\n)&gt; (?P<quote>[^\n]*)\n?"
    r"|https://discord.com/channels/\d+/(?P<channel>\d+)/\d+"
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
            case "quote":
                return f"<blockquote>{mark['quote']}</blockquote>"
            case "channel":
                channel = message.channel.discord.channels[int(mark["channel"])]
                return f'<span class="mention">#{html.escape(channel.name)} › 💬</span>'
        user = message.channel.discord.users[int(mark["user"])]
        return f'<span class="mention">@{html.escape(user.name_in(message.channel))}</span>'

    return _MARKS.sub(element, html.escape(message.content))


def _highlighted(code: str, language: str) -> str:
    formatter = HtmlFormatter(nowrap=True, noclasses=True, style="one-dark")
    return highlight(code, get_lexer_by_name(language), formatter).rstrip()
