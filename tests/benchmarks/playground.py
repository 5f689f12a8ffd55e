"""How fast the playground answers: from the end of a stroke in a real browser until the answer is on the page.

    python tests/benchmarks/playground.py              about a minute on two CPU cores; needs Chromium

A fresh playground trains its network on the built-in sample; then a seven is drawn again and again.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.browser import Browser, playground

WATCH = """
window.times = []; let begun = 0;
document.querySelector("canvas").addEventListener("pointerup", () => { begun = performance.now(); }, true);
new MutationObserver(() => { if (begun) { times.push(performance.now() - begun); begun = 0; } })
    .observe(document.querySelector(".answered"), {childList: true, subtree: true});
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strokes", type=int, default=30, metavar="N")
    strokes = parser.parse_args().strokes
    with (
        tempfile.TemporaryDirectory() as folder,
        playground(Path(folder)) as (address, code),
        Browser(Path(folder) / "profile") as browser,
    ):
        browser.join(address, code)
        browser.open(f"{address}/digits")
        browser.click("button")
        browser.wait(lambda: browser.run("!!document.querySelector('canvas')"))
        browser.wait(browser.connected)
        browser.draw_seven()  # the first opens the model
        browser.wait(lambda: browser.run("!!document.querySelector('.bars')"))
        browser.run(WATCH)
        for number in range(1, strokes + 1):
            browser.draw_seven()
            browser.wait(lambda number=number: browser.run("times.length") == number)
        times = browser.run("times")
    print(f"{strokes} strokes: median {statistics.median(times):.0f} ms, slowest {max(times):.0f} ms until the answer")


if __name__ == "__main__":
    main()
