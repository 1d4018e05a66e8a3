"""What happened → HTML that shows it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from tests.pictures.markdown import markdown


def page(template: str, **what: Any) -> str:
    """Fill in one of the templates beside this file."""
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    environment.filters |= {"markdown": markdown, "time": _time}
    return environment.get_template(template).render(what)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M")
