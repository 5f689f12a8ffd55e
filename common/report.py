"""Gathers the runs in outputs/ into one HTML file that needs no network, to hand in or to read on a phone.

    python -m common.report                        outputs/ -> outputs/report.html

For each run: what it reached beside the bar, its metrics, its pictures, the last text that it wrote, and its options.
The metrics are those that the runs wrote down; the grader (common/grade.py) measures anew.
"""

import base64
import html
import io
import json
import re
import sys

from PIL import Image

from common import bars, files
from common.data import images
from common.errors import UserError
from common.run import cli

MOST_PIXELS = 1600  # of a picture's width
ABOUT = ("homework", "task", "model", "data", "bar", "value", "passed")  # of metrics.json: told above the table
STYLE = """
:root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #b3261e; }
body { font: 16px/1.5 system-ui, "Noto Sans TC", sans-serif; margin: 0 auto; padding: 1rem; max-width: 60rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; border-top: 2px solid var(--line); }
h2 { padding-top: 1rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; } .wide { overflow-x: auto; }
td, th { padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); text-align: left; }
td { vertical-align: top; } details td { overflow-wrap: anywhere; }
figure { margin: 1.5rem 0; } img { max-width: 100%; height: auto; background: white; }
.wide img { min-width: 40rem; }
figcaption, .quiet { color: #767676; font-size: .9rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border-left: 3px solid var(--line); padding-left: .75rem; }
.passed { color: var(--good); } .missed { color: var(--bad); } .passed, .missed { font-weight: 600; }
summary { cursor: pointer; margin: 1rem 0; }
@media (prefers-color-scheme: dark) { :root { --good: #57c271; --bad: #ff8a80; } }
"""
# the browser itself keeps to what is promised: nothing is fetched, nothing runs
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def runs(outputs):
    """[(folder, config, metrics)] of the finished runs in `outputs`; a UserError when there are none.

    By homework; the run in the folder that is called after it comes first.
    """
    found = []
    for folder in sorted(outputs.iterdir()) if outputs.is_dir() else []:
        if (folder / "metrics.json").exists():
            try:
                config, metrics = (
                    json.loads((folder / name).read_text(encoding="utf-8")) for name in ("config.json", "metrics.json")
                )
                order = metrics["homework"], folder.name != metrics["homework"], folder.name
                found.append((order, folder, config, metrics))
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise UserError(f"the run in {folder} cannot be read ({error!r}): train again, or remove it") from None
    if not found:
        raise UserError(f"there is no finished run in {outputs}: run a train.py first")
    return [run for _, *run in sorted(found, key=lambda run: run[0])]


def page(found):
    """The HTML of the report, for [(folder, config, metrics)]."""
    overview = [
        [
            f'<a href="#{_anchor(folder)}">{_text(_title(folder, metrics))}</a>',
            f"{_number(metrics.get('value'))} {_verdict(metrics, 'passed', 'missed', '')}",
            _asked(metrics),
        ]
        for folder, _, metrics in found
    ]
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        f"<title>Homework in Keras</title><style>{STYLE}</style></head><body>",
        "<h1>Homework in Keras</h1>",
        _table(["run", "value", "the bar asks"], overview),
        *(_section(*run) for run in found),
        "</body></html>\n",
    ]
    return "\n".join(parts)


def _section(folder, config, metrics):
    """One run."""
    parts = [f'<h2 id="{_anchor(folder)}">{_text(_title(folder, metrics))}</h2>']
    names = {"sample": "the built-in sample", "full": "the full data"}
    source = names.get(metrics.get("data"), _text(metrics.get("data")))
    verdict = _verdict(metrics, "Passes the bar.", "Misses the bar.", "Not judged by a bar.")
    parts += [f"<p>{verdict} Model {_text(metrics.get('model'))}, trained on {source}.</p>"]
    figures = {name: value for name, value in metrics.items() if name not in ABOUT and not isinstance(value, dict)}
    parts += [_table(None, [[_text(name.replace("_", " ")), _number(value)] for name, value in figures.items()])]
    parts += [_picture(path) for path in sorted((folder / "figures").glob("*.png"))]
    for path in sorted((folder / "samples").glob("*.txt"))[-1:]:
        text = path.read_text(encoding="utf-8", errors="replace")
        parts += [f"<p>The last text written in training:</p><pre>{_text(text)}</pre>"]
    options = config.get("options", {})
    rows = [[_text(name.replace("_", " ")), _number(value)] for name, value in options.items()]
    rows += [["device", _text(config.get("device"))]]
    rows += [[_text(name), _text(version)] for name, version in config.get("versions", {}).items()]
    rows += [["data, SHA-256", _text(config.get("data", {}).get("sha256"))]]
    parts += [f"<details><summary>Options, device and versions</summary>{_table(None, rows)}</details>"]
    return "\n".join(parts)


def _picture(path):
    """A picture inside the page, as WebP: a quarter of the size, for all that the eye can see."""
    name, buffer = _text(path.stem.replace("_", " ")), io.BytesIO()
    try:
        with images.reading(path, "picture", "another"), Image.open(path, formats=images.FORMATS) as picture:
            picture.thumbnail((MOST_PIXELS, 4 * MOST_PIXELS))
            picture.convert("RGB").save(buffer, "webp", quality=85)
            size = f'width="{picture.width}" height="{picture.height}"'  # keeps the place while the page loads
            # a phone shows a wide one at a readable size, and scrolls through it
            shape = "wide" if picture.width > max(700, 1.5 * picture.height) else "narrow"
    except UserError:
        return f"<p>The picture {name} cannot be read.</p>"
    content = base64.b64encode(buffer.getbuffer()).decode()
    image = f'<img alt="{name}" {size} src="data:image/webp;base64,{content}">'
    return f'<figure class="{shape}">{image}<figcaption>{name}</figcaption></figure>'


def _title(folder, metrics):
    homework = str(metrics["homework"])
    return homework if folder.name == homework else f"{homework}: {folder.name}"


def _asked(metrics):
    """What the bar of the task asks for."""
    bar = bars.FULL.get(str(metrics.get("task")))
    return f"{bar.metric.replace('_', ' ')} {'≤' if bar.at_most else '≥'}&nbsp;{_number(bar.threshold)}" if bar else "–"


def _verdict(metrics, passed, missed, unjudged):
    if metrics.get("passed") is None:
        return f'<span class="quiet">{unjudged}</span>'
    return f'<span class="passed">{passed}</span>' if metrics["passed"] else f'<span class="missed">{missed}</span>'


def _table(heads, rows):
    head = f"<tr>{''.join(f'<th>{each}</th>' for each in heads)}</tr>" if heads else ""
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table>{head}{body}</table></div>'


def _number(value):
    """A value of a JSON file, for people."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1e-3 else f"{value:,.4f}".rstrip("0").rstrip(".")
    if isinstance(value, (list, dict)):
        return _text(json.dumps(value, ensure_ascii=False))
    return _text(value)


def _text(value):
    return html.escape(str(value))


def _anchor(folder):
    return re.sub(r"\W", "-", folder.name)


@cli.guarded
def main(argv=None):
    parser = cli.Parser(__doc__, prog="python -m common.report")
    add = parser.add_argument
    add("--outputs", type=cli.path, default=cli.ROOT / "outputs", metavar="DIR", help="folder of the runs (outputs/)")
    add("--out", type=cli.path, metavar="FILE", help="the report (report.html in the folder of the runs)")
    options = parser.parse_args(argv)
    found = runs(options.outputs)
    path = options.out or options.outputs / "report.html"
    with files.atomic(path) as part:
        part.write_text(page(found), encoding="utf-8", errors="backslashreplace")  # names of folders can be any bytes
    count = "1 run" if len(found) == 1 else f"{len(found)} runs"
    print(f"{count}: {path} ({path.stat().st_size / 1e6:.2g} MB)")


if __name__ == "__main__":
    sys.exit(main())
