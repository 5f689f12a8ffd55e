"""The pages (README.md of every folder): what they link to and the commands they give exist."""

import re

import pytest

from tests.helpers import ROOT

PAGES = [page for where in ("", "docs/", "common/", "hw*/", "hw*/*/") for page in sorted(ROOT.glob(f"{where}*.md"))]
BILINGUAL = ROOT / "docs" / "glossary.md"  # both languages in one table
ENGLISH = [page for page in PAGES if ".zh-TW" not in page.name and page != BILINGUAL]


def name_of(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_and_commands_exist(page):
    text = page.read_text(encoding="utf-8")
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    named = [page.parent / link for link in links if link]
    named += [ROOT / script for script in re.findall(r"(?:python|bin/python) ([\w/]+\.py)", text)]
    modules = [ROOT / module.replace(".", "/") for module in re.findall(r"python -m (common\.\w+)", text)]
    named += [path / "__main__.py" if path.is_dir() else path.with_suffix(".py") for path in modules]
    named += [ROOT / path for path in re.findall(r"`((?:tests|common)/[\w/]+\.\w+)`", text)]
    assert named
    assert not [str(path) for path in named if not path.exists()]


@pytest.mark.parametrize("page", ENGLISH, ids=name_of)
def test_every_module_is_named(page):
    text = page.read_text(encoding="utf-8")
    folder = page.parent
    modules = [] if folder == ROOT else [path.relative_to(folder) for path in folder.rglob("*.py")]
    modules = [path for path in modules if str(path.parent) == "." or not (folder / path.parent / "README.md").exists()]
    named = [str(path) for path in modules if path.name != "__init__.py" or path.parent.name == "data"]
    assert not [name for name in named if f"]({name})" not in text]


@pytest.mark.parametrize("english", ENGLISH, ids=name_of)
def test_both_languages_say_the_same(english):
    """The same commands, pictures and headings in the same order, the same links, the same numbers in every row."""
    chinese = english.with_suffix(".zh-TW.md")
    found = []
    for page, other in ((english, chinese), (chinese, english)):
        text = page.read_text(encoding="utf-8")
        assert f"]({other.name})" in "".join(text.splitlines()[:4])  # below the title
        blocks = re.findall(r"```bash\n(.*?)```", text, re.S)
        commands = [line.partition(" #")[0].rstrip() for block in blocks for line in block.splitlines()]
        prose = re.sub(r"```.*?```", "", text, flags=re.S)
        in_line = re.findall(r"`((?:python|pytest) [^`]*|--[^`]+)`", prose)
        pictures = re.findall(r"!\[[^]]*\]\(([^)\s]+)\)", prose)
        headings = re.findall(r"^#+", prose, re.M)
        links = re.findall(r"\]\(([^)#\s]+)", text.replace(".zh-TW.md", ".md"))
        rows = [re.sub(r"\([^)]*\)|（[^）]*）|`[^`]*`", "", row) for row in text.splitlines() if row.startswith("|")]
        figures = [sorted(re.findall(r"\d[\d,.]*\d|\d", row)) for row in rows]
        found.append((commands, sorted(in_line), pictures, headings, sorted({*links}), figures))
    for said_in_english, said_in_chinese in zip(*found, strict=True):
        assert said_in_english == said_in_chinese
