"""What several pages are made of: pictures, bars of probabilities, a map with a star, a field to draw in, an upload."""

import base64
import io

import numpy as np
from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement
from PIL import Image

from common.figures import plots
from common.playground.words import say

MOST_BYTES = 20_000_000  # of a picture that is sent


def as_text(name):
    """A name that may hold bytes that are no text, with these escaped: a browser takes UTF-8 only."""
    return str(name).encode("utf-8", "backslashreplace").decode()


def as_url(picture):
    """A picture (PIL, or an array of uint8, or of floats in 0..1) as a data: URL that a browser shows."""
    if not isinstance(picture, Image.Image):
        picture = np.asarray(picture)
        if picture.dtype != "uint8":
            picture = np.round(255 * picture.clip(0, 1)).astype("uint8")
        picture = Image.fromarray(picture)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getbuffer()).decode()}"


class Picture(ui.element):
    """An image; `show` changes it. Small ones are enlarged without blurring."""

    def __init__(self, description, width=None, classes=""):
        super().__init__("img")
        self.props["alt"] = description
        self.classes(f"picture {classes}")
        if width:
            self.style(f"width: {width}")
        self.set_visibility(False)

    def show(self, picture):
        """picture: as for `as_url`."""
        self.props["src"] = as_url(picture)
        self.set_visibility(True)


class Bars:
    """A bar for each name, the largest marked; `show` sets them."""

    def __init__(self, names):
        self.rows = []
        with ui.element("div").classes("bars").mark("bars"):
            for name in names:
                label = ui.label(as_text(name))
                with ui.element("div").classes("bar"):
                    bar = ui.element("div")
                self.rows.append((label, bar, ui.label()))

    def show(self, chances, names=None):
        """chances: as many shares, 0 to 1, as there are bars; names: new ones."""
        best = int(np.argmax(chances))
        for i, ((label, bar, value), chance) in enumerate(zip(self.rows, chances, strict=True)):
            bar.style(f"width: {100 * chance:.1f}%")
            value.text = f"{100 * chance:.1f} %"
            for element in (label, bar, value):
                element.classes(**{"add" if i == best else "remove": "best"})
            if names is not None:
                label.text = as_text(names[i])


def drawn(figure):
    """A figure of plots.new_figure as a picture."""
    buffer = io.BytesIO()
    figure.savefig(buffer)
    return Image.open(buffer)


class Map:
    """A map of points (n, 2) by class, drawn once for all visitors; to be made in `compute`, and shown by StarMap."""

    def __init__(self, points, labels, names, size=3.4):
        low, high = np.quantile(points, (0.002, 0.998), axis=0)
        self.low, self.high = low - 0.05 * (high - low), high + 0.05 * (high - low)
        figure = plots.new_figure(size, size)
        figure.set_layout_engine("none")
        ax = figure.add_axes([0, 0, 1, 1])
        plots.draw_map(ax, points, labels, names, marker_size=4)
        ax.set(xlim=(self.low[0], self.high[0]), ylim=(self.low[1], self.high[1]))
        self.picture = drawn(figure)

    def share(self, point):
        """Where a point (2,) lies on the picture, (from the left, from the top) in 0..1; beyond the edge: on it."""
        x, y = np.clip((np.asarray(point) - self.low) / (self.high - self.low), 0.02, 0.98)
        return float(x), float(1 - y)

    def point(self, left, top):
        """The point (2,) at such a place."""
        return self.low + np.array([left, 1 - top]) * (self.high - self.low)


class StarMap:
    """A Map on the page, with a star on it. on_click(left, top): called with the place of a click, both in 0..1."""

    def __init__(self, description, on_click=None):
        with ui.element("div").classes("map").mark("map") as self.frame:
            self.picture = Picture(description)
            self.star = ui.label("★").classes("star").mark("star")
            self.star.set_visibility(False)
        if on_click:
            where = "(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height"
            box = "const box = event.currentTarget.getBoundingClientRect()"
            script = f"(event) => {{ {box}; emit([{where}]); }}"
            self.frame.on("click", lambda event: on_click(*event.args), js_handler=script).style("cursor: pointer")
        self.shown = None

    def show(self, shown, point=None):
        """shown: a Map; point: where the star is."""
        if shown is not self.shown:
            self.picture.show(shown.picture)
            self.shown = shown
        self.star.set_visibility(point is not None)
        if point is not None:
            left, top = shown.share(point)
            self.star.style(f"left: {100 * left:.1f}%; top: {100 * top:.1f}%")


class Span(TextElement):
    """A piece of a text, in its line. colour: of its ground."""

    def __init__(self, text, colour=None):
        super().__init__(tag="span", text=as_text(text))
        if colour:
            self.style(f"background: {colour}")


class Strip:
    """Small pictures side by side; `show` replaces them. on_click(number): what a click on one of them calls."""

    def __init__(self, description, width="64px", on_click=None):
        self.description, self.width, self.on_click = description, width, on_click
        self.row = ui.element("div").classes("strip").mark("strip")

    def show(self, pictures):
        self.row.clear()
        with self.row:
            for i, picture in enumerate(pictures):
                shown = Picture(f"{self.description} {i + 1}", self.width)
                shown.show(picture)
                if self.on_click:
                    shown.on("click", lambda i=i: self.on_click(i)).style("cursor: pointer")


class Drawing(ui.element, component="drawing.js"):
    """A field to draw in with mouse or finger. on_stroke(file): an async function, called after every stroke.

    file: a Sent with the PNG of the field, black on white. pen: its width, where the field is 280 wide.
    """

    def __init__(self, on_stroke, pen=22):
        super().__init__()
        self.props["pen"] = pen
        self.classes("drawing").mark("drawing")
        self.on("stroke", lambda event: on_stroke(_received(event.args)))

    def clear(self):
        self.run_method("wipe")


class Sent(io.BytesIO):
    """A file that a visitor has sent, to be given to what reads files; in a sentence it is called by its name."""

    def __init__(self, content, name):
        super().__init__(content)
        self.name = as_text(name)

    def __str__(self):
        return self.name


def _received(url):
    """The Sent behind a data: URL of the browser."""
    return Sent(base64.b64decode(str(url).partition(",")[2]), say("the drawing", "畫的圖"))


def upload(label, on_file):
    """A button that sends a picture. on_file(file): an async function, called with a Sent."""

    async def received(event):
        field.reset()
        if event.file.size() > MOST_BYTES:
            ui.notify(say("The file is too large: at most 20 MB.", "檔案太大了，最多 20 MB。"), type="warning")
            return
        await on_file(Sent(await event.file.read(), event.file.name))

    field = ui.upload(on_upload=received, auto_upload=True, max_file_size=MOST_BYTES).props("accept=image/*")
    field.classes("unseen")  # one that NiceGUI itself hides takes no files
    ui.button(label, icon="photo_camera", on_click=lambda: field.run_method("pickFiles")).props("outline no-caps")
    field.on_rejected(lambda: ui.notify(say("No picture of at most 20 MB.", "不是 20 MB 以內的圖片。"), type="warning"))
