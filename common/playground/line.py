"""One computation at a time: a thread that computes, and the line in front of it."""

import asyncio
import traceback
import weakref
from concurrent.futures import ThreadPoolExecutor

from nicegui import ui

from common.errors import UserError
from common.playground.words import say

PATIENCE = 0.3  # seconds until one who waits is told so: most answers are there by then

_worker = ThreadPoolExecutor(1, thread_name_prefix="model")
_line = []  # the futures of what computes (the first) and of what waits, in their order
_labels = weakref.WeakKeyDictionary()  # {visitor's client: the label in the header that says how the line stands}


def show_line():
    """Put the label that tells the visitor of the line: a part of the header."""
    _labels[ui.context.client] = ui.label().mark("line")


async def compute(function, *arguments):
    """What function(*arguments) gives, computed when it is its turn; None where it fails, and then a notice says why.

    What still waits when its visitor leaves is not computed.
    """
    client = ui.context.client
    label = _labels.get(client)
    future = _worker.submit(function, *arguments)
    _line.append(future)
    result = asyncio.wrap_future(future)
    try:
        while not (await asyncio.wait([result], timeout=PATIENCE))[0]:
            if client.is_deleted:
                future.cancel()
            elif label:
                before = _line.index(future)
                waits = say(f"waiting in line, {before} before you", f"排隊中，前面還有 {before} 個")
                label.text = waits if before else say("computing ...", "計算中…")
        return result.result()
    except UserError as error:
        ui.notify(str(error), type="warning", multi_line=True, timeout=15_000)
    except Exception as error:
        traceback.print_exc()
        sentence = f"{type(error).__name__}: {error}"
        ui.notify(say(f"The program failed: {sentence}", f"程式出錯了：{sentence}"), type="negative", multi_line=True)
    finally:
        future.cancel()  # where the server stops while it waits
        _line.remove(future)
        if label and not client.is_deleted:
            label.text = ""
    return None
