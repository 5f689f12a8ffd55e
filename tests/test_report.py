"""The report of all runs: one file that needs nothing else, on a phone too."""

import base64
import html.parser
import io
import json
import re
import shutil
import subprocess

import pytest
from PIL import Image

from common import report
from common.figures import plots
from tests.helpers import PATIENCE, assert_one_sentence

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CONFIG = {
    "options": {"homework": "hw1_mnist_mlp", "batch_size": 256, "hidden": [256, 256], "resume": False, "limit": None},
    "device": "CPU (2 cores), float32, <tensorflow>",
    "versions": {"python": "3.11", "keras": "3.15"},
    "data": {"kind": "full", "sha256": "ab" * 32},
}
METRICS = {
    "homework": "hw1_mnist_mlp",
    "task": "hw1_mnist_mlp",
    "model": "fast",
    "data": "full",
    "n_train": 60000,
    "bar": 0.98,
    "value": 0.98312,
    "passed": True,
    "test_accuracy": 0.98312,
    "tiny": 1.5e-5,
    "extra": {"of": "the analysis"},
}


def make_run(folder, metrics=None, config=CONFIG):
    (folder / "figures").mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "metrics.json").write_text(json.dumps(METRICS | (metrics or {})))
    figure = plots.new_figure(16, 3, "Learning to read digits")
    figure.subplots().plot(range(5))
    plots.save(figure, folder / "figures" / "curves.png")
    return folder


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """A folder of runs with its report.html."""
    folder = tmp_path_factory.mktemp("outputs")
    make_run(folder / "hw1_mnist_mlp")
    sample = {"homework": "hw3_lstm_text", "task": None, "data": "sample", "passed": None, "value": None, "bar": None}
    poems = make_run(folder / "tang <b>", sample)
    (poems / "samples").mkdir()
    (poems / "samples" / "000100.txt").write_text("an earlier text")
    (poems / "samples" / "000200.txt").write_text("破落三間屋，蕭條一旅人。<script>alert(1)</script>\n" + "長" * 300)
    (poems / "figures" / "broken.png").write_bytes(b"noise")
    whole = (poems / "figures" / "curves.png").read_bytes()
    i = whole.index(b"IDAT")
    (poems / "figures" / "damaged.png").write_bytes(whole[: i - 4] + (100).to_bytes(4, "big") + whole[i:])
    make_run(folder / "second", {"passed": False, "value": 0.5, "test_accuracy": 0.5})
    (folder / "unfinished").mkdir()
    (folder / "unfinished" / "config.json").write_text("{}")
    assert report.main(["--outputs", str(folder)]) == 0
    return folder


class Page(html.parser.HTMLParser):
    """What stands in the report: the text, the addresses, the tags that are open at the end."""

    def __init__(self, content):
        super().__init__()
        self.words, self.addresses, self.open, self.tags = [], [], [], set()
        self.feed(content)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href", "srcset", "action")]
        if tag not in ("meta", "img", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.words.append(text)


def test_report(outputs):
    content = (outputs / "report.html").read_text(encoding="utf-8")
    page = Page(content)
    assert not page.open, "a tag is not closed"
    text = " ".join(" ".join(page.words).split())
    for words in (
        "hw1_mnist_mlp",
        "0.9831 passed test accuracy ≥ 0.98",
        "Passes the bar.",
        "Misses the bar.",
        "batch size 256",
    ):
        assert words in text, words
    for words in (
        "CPU (2 cores), float32, <tensorflow>",
        "破落三間屋，蕭條一旅人。<script>alert(1)",
        "60,000",
        "1.5e-05",
    ):
        assert words in text, words
    assert "Not judged by a bar. Model fast, trained on the built-in sample" in text
    assert "The picture broken cannot be read." in text
    assert "The picture damaged cannot be read." in text
    assert "an earlier text" not in text
    assert "the analysis" not in text
    assert "script" not in page.tags
    assert "b" not in page.tags
    assert content.count('<figure class="wide">') == 3
    headings = re.findall(r"<h2[^>]*>([^<]*)", content)
    assert headings == ["hw1_mnist_mlp", "hw1_mnist_mlp: second", "hw3_lstm_text: tang &lt;b&gt;"]


def test_report_needs_no_network(outputs):
    content = (outputs / "report.html").read_text(encoding="utf-8")
    addresses = Page(content).addresses
    assert addresses
    assert all(address.startswith(("#", "data:image/webp;base64,")) for address in addresses)
    assert "url(" not in content
    assert "default-src 'none'" in content
    for address in addresses:
        if address.startswith("#"):
            assert f'id="{address[1:]}"' in content
        else:
            with Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))) as picture:
                assert picture.width <= report.MOST_PIXELS


def test_mistakes(tmp_path, capsys):
    assert report.main(["--outputs", str(tmp_path / "none")]) == 1
    assert_one_sentence(capsys.readouterr().err, "no finished run", tmp_path / "none")
    for content in ("{", "[]", "{}"):
        run = tmp_path / "hw1_mnist_mlp"
        run.mkdir(exist_ok=True)
        (run / "metrics.json").write_text(content)
        (run / "config.json").write_text("{}")
        assert report.main(["--outputs", str(tmp_path)]) == 1
        assert_one_sentence(capsys.readouterr().err, run, "cannot be read")
        assert not (tmp_path / "report.html").exists()


def test_other_place(outputs, tmp_path, capsys):
    assert report.main(["--outputs", str(outputs), "--out", str(tmp_path / "new" / "mine.html")]) == 0
    assert (tmp_path / "new" / "mine.html").read_bytes() == (outputs / "report.html").read_bytes()
    assert "3 runs" in capsys.readouterr().out


@pytest.mark.skipif(BROWSER is None, reason="Chromium is not installed")
@pytest.mark.parametrize("width", [390, 1280], ids=["phone", "desktop"])
def test_in_a_browser(outputs, width, tmp_path):
    """A real browser lays it out: all pictures are there, and nothing sticks out at the side."""
    frame = f"""<!doctype html><iframe src="{(outputs / "report.html").as_uri()}" width="{width}" height="800"></iframe>
<script>
onload = () => {{
    const page = document.querySelector("iframe").contentDocument, images = [...page.images];
    document.title = JSON.stringify({{
        wide: page.scrollingElement.scrollWidth, shown: images.filter(image => image.naturalWidth).length,
        images: images.length, title: page.title,
    }});
}};
</script>"""
    (tmp_path / "frame.html").write_text(frame)
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--dump-dom"]
    options += [f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1400,900", "--virtual-time-budget=10000"]
    command = [BROWSER, *options, (tmp_path / "frame.html").as_uri()]
    process = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    found = re.search(r"<title>(.*?)</title>", process.stdout)
    assert found, process.stdout + process.stderr
    seen = json.loads(found[1])
    assert seen["title"] == "Homework in Keras"
    assert seen["images"] == seen["shown"] == 3
    assert seen["wide"] <= width
