"""The frame around all pages: finds them by name, shows the header and the list, builds the page that is asked for."""

import importlib
import inspect
import traceback
from pathlib import Path
from urllib.parse import quote

from nicegui import ui

from common.playground.line import show_line
from common.playground.words import LANGUAGES, language, say

ROOT = Path(__file__).resolve().parents[2]
STYLE = """
body { font-family: system-ui, "Noto Sans TC", "PingFang TC", "Microsoft JhengHei", sans-serif; }
.nicegui-content { max-width: 72rem; margin: 0 auto; padding: 1rem; align-items: stretch; gap: .8rem; }
.header { display: flex; align-items: baseline; gap: 1rem; }
.header .pages { display: flex; flex-wrap: wrap; gap: .5rem 1rem; flex: 1; white-space: nowrap; padding: .4rem 0; }
.header a { color: inherit; text-decoration: none; } .header a.here { border-bottom: 3px solid currentColor; }
h1 { font-size: 1.6rem; font-weight: 600; line-height: 1.3; margin: 0; }
.title { font-size: 1.15rem; font-weight: 600; } .quiet { color: #666; } .text { white-space: pre-wrap; }
.unseen { display: none; }
.word { display: inline-block; padding: 0 .15em; margin-right: .1em; }
.text, .command { overflow-wrap: anywhere; }
.command { font-family: monospace; background: #eee; padding: .4rem .6rem; border-radius: 4px; }
.q-btn { align-self: flex-start; } .q-select { min-width: 5rem; }
.panels { display: flex; flex-wrap: wrap; gap: 1.2rem; align-items: flex-start; }
.panel { flex: 1 1 17rem; min-width: 0; max-width: 100%; gap: .6rem; align-items: stretch; }
.panel.small { flex: 1 1 10rem; max-width: 20rem; }
.picture { display: block; max-width: 100%; image-rendering: pixelated; }
.bars { display: grid; grid-template-columns: auto 1fr 4.5em; gap: .15rem .6rem; align-items: center; }
.bar { background: #eee; height: 1rem; min-width: 4rem; } .bar div { background: #9aa5b1; height: 100%; width: 0; }
.bars .bar .best { background: #3f90da; } .bars .best { font-weight: 700; }
.map { position: relative; } .map .picture { width: 100%; image-rendering: auto; }
.star { position: absolute; transform: translate(-50%, -50%); font-size: 2rem; color: #ffe000; line-height: 1;
  -webkit-text-stroke: 1.5px black; pointer-events: none; }
.drawing { width: 100%; max-width: 280px; aspect-ratio: 1; border: 2px solid #555; border-radius: 4px;
  cursor: crosshair; touch-action: none; }
.strip { display: flex; flex-wrap: wrap; gap: .3rem; }
.chart { height: 22rem; width: 100%; } .wide { overflow-x: auto; } .metric { min-width: 10rem; }
"""


def find():
    """{address: page} of all pages, in the order of the folders; what cannot be imported is an UnusablePage."""
    pages = {}
    for path in [*sorted(ROOT.glob("hw*/**/page.py")), ROOT / "common" / "playground" / "page.py"]:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        try:
            page = importlib.import_module(name)
            pages[page.NAME] = page
        except Exception as error:
            traceback.print_exc()
            pages[name] = UnusablePage(name, error)
    return pages


class UnusablePage:
    """Stands for a page whose module fails: one that a student is working at does not stop the others."""

    def __init__(self, name, error):
        self.NAME, self.TITLE = name, (name, name)
        self.ABOUT = 2 * (f"{type(error).__name__}: {error}",)

    def build(self):
        """Nothing: the sentence below the title says what is wrong."""


def root(pages):
    """The function for ui.run that builds what is asked for: one of `pages` (see `find`), or their list."""

    async def build(request):
        address = request.url.path.strip("/")
        page = pages.get(address)
        ui.add_css(STYLE)
        _header(pages, address, request)
        if not page:
            _list(
                pages, say("Playground", "遊樂場") if not address else say("There is no such page.", "沒有這個頁面。")
            )
            return
        ui.page_title(say(*page.TITLE))
        _heading(say(*page.TITLE))
        ui.label(say(*page.ABOUT)).classes("quiet")
        try:
            built = page.build()
            if inspect.isawaitable(built):
                await built
        except Exception as error:
            traceback.print_exc()
            ui.label(f"{type(error).__name__}: {error}").classes("command")

    return build


def _heading(text):
    with ui.element("h1"):
        ui.label(text)


def _header(pages, address, request):
    with ui.element("div").classes("header"):
        with ui.element("nav").classes("pages"):
            for name, page in {"": None, **pages}.items():
                title = say(*page.TITLE) if page else say("All", "全部")
                ui.link(title, f"/{name}").classes("here" if name == address else "")
        show_line()
        (other,) = (each for each in LANGUAGES if each != language())
        ui.link(LANGUAGES[other], f"/language?language={other}&to={quote(request.url.path)}").mark("language")


def _list(pages, heading):
    ui.page_title(heading)
    _heading(heading)
    with ui.element("div").classes("panels"):
        for name, page in pages.items():
            with ui.card().classes("panel"):
                ui.link(say(*page.TITLE), f"/{name}").classes("title")
                ui.label(say(*page.ABOUT)).classes("quiet")
