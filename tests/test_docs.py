"""The documentation: its links lead somewhere."""

import re

import pytest

from tests.support.parley import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "bot" / "docs").glob("*.md"))]


def prose(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """The headings as GitHub names them in links."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_each_link_leads_to_a_file_and_to_a_heading_in_it(page):
    links = re.findall(r"(?<!!)\[[^\]]+\]\(([^)]+)\)", prose(page.read_text()))
    for link in links:
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text()), link


def test_the_readme_stays_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 170
