"""The pages (README.md of every folder): what they link to and the commands they give exist."""

import re

import pytest

from tests.helpers import ROOT

PAGES = [*sorted(ROOT.glob("README*.md")), *sorted(ROOT.glob("hw*/README.md")), *sorted(ROOT.glob("common/README*.md"))]
PAGES += sorted(ROOT.glob("docs/*.md"))


def name_of(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_and_commands_exist(page):
    text = page.read_text(encoding="utf-8")
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    named = [page.parent / link for link in links if link]
    named += [ROOT / script for script in re.findall(r"(?:python|bin/python) ([\w/]+\.py)", text)]
    named += [ROOT / f"{module.replace('.', '/')}.py" for module in re.findall(r"python -m (common\.\w+)", text)]
    named += [ROOT / path for path in re.findall(r"`((?:tests|common)/[\w/]+\.\w+)`", text)]
    assert named
    assert not [str(path) for path in named if not path.exists()]


@pytest.mark.parametrize("page", [page for page in PAGES if "zh-TW" not in page.name], ids=name_of)
def test_every_module_is_named(page):
    text = page.read_text(encoding="utf-8")
    folder = page.parent
    modules = [] if folder == ROOT else [path.relative_to(folder) for path in folder.rglob("*.py")]
    modules = [path for path in modules if str(path.parent) == "." or not (folder / path.parent / "README.md").exists()]
    named = [str(path) for path in modules if path.name != "__init__.py" or path.parent.name == "data"]
    assert not [name for name in named if f"]({name})" not in text]


@pytest.mark.parametrize("page", ["README", "common/README", "docs/lectures", "hw5_anime_dcgan/colour/README"])
def test_both_languages_say_the_same(page):
    """The same commands, links, pictures and numbers."""
    found = []
    for ending in (".md", ".zh-TW.md"):
        text = (ROOT / f"{page}{ending}").read_text(encoding="utf-8")
        commands = [
            line.partition("  #")[0].rstrip()
            for block in re.findall(r"```bash\n(.*?)```", text, re.S)
            for line in block.splitlines()
        ]
        links = sorted({link.replace(".zh-TW", "") for link in re.findall(r"\]\(([^)\s]+)\)", text)})
        rows = [re.sub(r"\([^)]*\)|（[^）]*）|`[^`]*`", "", row) for row in text.splitlines() if row.startswith("|")]
        figures = [sorted(re.findall(r"\d[\d,.]*\d|\d", row)) for row in rows]
        found.append((commands, links, figures))
    for english, chinese in zip(*found, strict=True):
        assert english == chinese
