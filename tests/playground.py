"""How tests visit the playground: NiceGUI's simulated visitors, who need no browser and no server."""

import asyncio
import base64
import contextlib
import functools
import gc
import inspect
import io

import httpx
from nicegui import core, ui
from nicegui.testing.user import User
from nicegui.testing.user_simulation import user_simulation
from PIL import Image, ImageDraw

from common.playground import frame
from tests.helpers import PATIENCE


@contextlib.contextmanager
def quick_collections():
    """NiceGUI collects garbage twice per visitor: no longer in all that TensorFlow has made, which is none."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def visits(test):
    """Decorates an async test(user, ...): it runs in a loop of its own, with a visitor `user` of all pages."""

    @functools.wraps(test)
    def run(*arguments, **options):
        async def visit():
            async with user_simulation(frame.root(frame.find())) as user:
                await test(user, *arguments, **options)

        with quick_collections():
            asyncio.run(visit())

    # pytest reads the names of the fixtures from the signature
    _, *fixtures = inspect.signature(test).parameters.values()
    run.__signature__ = inspect.Signature(fixtures)
    return run


async def until(condition, seconds=PATIENCE):
    """Wait until `condition()` is true: what computes does so in another thread."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


def seen(user, kind=ui.label, marker=None):
    """The elements of a kind that the visitor sees."""
    with contextlib.suppress(AssertionError):
        return list(user.find(kind=kind, marker=marker).elements)
    return []


def texts(user):
    """All texts of labels on the page, in one string."""
    return "\n".join(element.text for element in seen(user))


def another(user):
    """A second visitor of the same server."""
    return User(httpx.AsyncClient(transport=httpx.ASGITransport(core.app), base_url=user.http_client.base_url))


def seven():
    """A drawing of a seven, as the browser sends it."""
    field = Image.new("RGB", (280, 280), "white")
    ImageDraw.Draw(field).line([(70, 60), (210, 60), (130, 230)], fill="black", width=22, joint="curve")
    return field


def as_png(picture):
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def as_sent(picture):
    return "data:image/png;base64," + base64.b64encode(as_png(picture)).decode()
