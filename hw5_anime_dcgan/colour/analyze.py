"""What the colourist has learned: its colours beside the real ones, where it fails, and pictures of your own.

    python hw5_anime_dcgan/colour/analyze.py                           after train.py
    python hw5_anime_dcgan/colour/analyze.py --beside outputs/l1       and the colours of another run below them
    python hw5_anime_dcgan/colour/analyze.py --image my_drawing.png    colours a grey picture or a line drawing

Writes pictures into figures/ of the run, and the numbers behind them into analysis.json.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from any folder, without installation

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import numpy as np
from PIL import Image

from common import data, files
from common.data import images
from common.figures import plots
from common.run import analysis
from common.run.predictor import Local
from hw5_anime_dcgan import attributes
from hw5_anime_dcgan.colour import evaluate
from hw5_anime_dcgan.colour.drawings import grey, lines

HOMEWORK = "hw5_colour"
SHOWN = 10  # pictures in a row
SIDE = 64  # pixels of the shorter side of a user's picture, as the network sees it: that of the faces
MULTIPLE = 16  # the network halves four times
LONGEST = 8  # times the shorter side that a user's picture may be long


def analyze(options):
    """Draw all pictures of the run, or with --image that of one picture."""
    if options.image:
        model, _ = analysis.open_model(options, HOMEWORK)
        show_own_picture(model, options.image, options.run / "figures" / f"own_{options.image.stem}.png")
        return
    model, config = analysis.open_model(options, HOMEWORK)
    given = analysis.run_options(options, config)
    dataset = analysis.as_seen(data.load(given.data_set, given), options, config)
    pictures, predictor, figures = evaluate.held_out(dataset), Local(model), options.run / "figures"
    real, name = pictures.colours, f"--model {given.model}"
    drawn = evaluate.colour(predictor, grey(real))
    named = {name: drawn}
    if options.beside:
        other, its_config = analysis.open_model(argparse.Namespace(run=options.beside), HOMEWORK)
        its_name = f"--model {its_config['options']['model']}"
        its_name = f"{its_name}, {options.beside.name}" if its_name == name else its_name
        named[its_name] = evaluate.colour(Local(other), grey(real))

    sketches = lines(real)
    of_sketches = evaluate.colour(predictor, sketches)
    rows = [("grey", grey_rgb(grey(real))), *named.items(), ("real colours", real)]
    rows += [("lines alone", grey_rgb(sketches)), ("coloured", of_sketches)]
    with_title = "Pictures that it has not seen, coloured"
    plots.image_rows(figures / "coloured.png", [(label, shown[:SHOWN]) for label, shown in rows], with_title)

    error = np.abs(drawn.astype(float) - real).mean(axis=(1, 2, 3))
    worst = np.argsort(-error)[:SHOWN]
    rows = [(label, shown[worst]) for label, shown in rows[:-2]]
    plots.image_rows(figures / "worst.png", rows, "Where its colours are farthest from the real ones")

    numbers = {"of_lines": evaluate.compare(of_sketches, pictures)}
    show_places(real, drawn, figures / "places.png")
    if given.data_set == "faces":
        numbers["hair"] = show_hair({"real": real} | named, figures / "hair.png")
    analysis.save_numbers(options, numbers)


def grey_rgb(drawings):
    """Drawings (n, side, side, 1) with three equal channels, to be shown beside coloured ones."""
    return np.repeat(drawings, 3, axis=3)


def show_places(real, drawn, path):
    """Where in the picture the colours are wrong: the mean absolute difference of each pixel, of 255."""
    figure = plots.new_figure(9, 4.2, "Where in the picture its colours are wrong")
    ax_mean, ax_error = figure.subplots(1, 2)
    ax_mean.imshow(real.mean(axis=0).astype("uint8"))
    ax_mean.set_title("the mean of the real pictures", fontsize=11)
    shown = ax_error.imshow(np.abs(drawn.astype(float) - real).mean(axis=(0, 3)), cmap="magma", vmin=0)
    ax_error.set_title("mean difference, of 255", fontsize=11)
    figure.colorbar(shown, ax=ax_error, shrink=0.85)
    for ax in (ax_mean, ax_error):
        ax.set_axis_off()
    plots.save(figure, path)


def show_hair(named, path):
    """The colours of the hair by the rule of attributes.py: how often each occurs. {who: {colour: share}}."""
    found = {who: attributes.read(faces)[0] for who, faces in named.items()}
    shares = {who: np.bincount(hair, minlength=len(attributes.HAIR)) / len(hair) for who, hair in found.items()}
    figure = plots.new_figure(10, 4.2, "The hair of real faces, and what the network makes of their grey")
    ax = figure.subplots()
    width = 0.8 / len(shares)
    for i, (who, values) in enumerate(shares.items()):
        ax.bar(np.arange(len(values)) + i * width, 100 * values, width, label=who, color=plots.COLOURS[i])
    ax.set_xticks(np.arange(len(attributes.HAIR)) + 0.4 - width / 2, attributes.HAIR)
    ax.set(ylabel="share of the faces, %")
    figure.legend(loc="outside lower center", ncols=len(shares))
    plots.save(figure, path)
    as_real = {f"{who}, as in the real picture": float(np.mean(hair == found["real"])) for who, hair in found.items()}
    as_real |= {f"{who}, by chance": float(values @ shares["real"]) for who, values in shares.items()}
    return {who: dict(zip(attributes.HAIR, values.tolist(), strict=True)) for who, values in shares.items()} | as_real


def colour_own(model, picture):
    """A user's picture (PIL, RGB) in colour, of the same size.

    The network sees it as small as the faces that it has learned from. What it changes there is enlarged and added to
    the picture's own grey, so that its lines stay as sharp as they were.
    """
    shades = picture.convert("L")
    scale = SIDE / min(shades.size)
    width, height = (min(max(1, round(side * scale)), LONGEST * SIDE) for side in shades.size)
    small = np.asarray(shades.resize((width, height), Image.Resampling.LANCZOS))
    padding = [(0, -height % MULTIPLE), (0, -width % MULTIPLE)]
    drawing = np.pad(small, padding, mode="edge")[None, ..., None]
    change = Local(model).predict([drawing], [(1, *drawing.shape[1:3], 3)])[0][0] - drawing[0] / 255
    channels = [
        Image.fromarray(each).resize(shades.size, Image.Resampling.BICUBIC)
        for each in np.moveaxis(change[:height, :width], -1, 0)
    ]
    return evaluate.to_bytes(np.asarray(shades)[..., None] / 255 + np.stack(channels, axis=-1))


def show_own_picture(model, path, out):
    """own_<name>.png: the picture of the user, its grey, and its colours by the network."""
    picture = images.open_picture(path)
    coloured = colour_own(model, picture)
    ratio = np.clip(picture.height / picture.width, 0.2, 5)
    figure = plots.new_figure(11, max(1.6, 3.4 * ratio) + 0.8, path.name)
    shown = (picture, "the picture"), (picture.convert("L"), "its grey"), (coloured, "coloured")
    for ax, (image, title) in zip(figure.subplots(1, 3), shown, strict=True):
        ax.imshow(image, cmap="gray", vmin=0, vmax=255)
        ax.set_title(title, fontsize=11)
        ax.set_axis_off()
    plots.save(figure, out)
    alone = out.with_name(f"{out.stem}_coloured.png")
    with files.atomic(alone) as part:
        Image.fromarray(coloured).save(part, "PNG")
    print(f"{path}: coloured in {alone}, beside the original in {out}")


@cli.guarded
def main(argv=None):
    parser = analysis.options(HOMEWORK, __doc__)
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--beside", type=cli.path, metavar="DIR", help="another run, whose colours are shown too")
    one.add_argument("--image", type=cli.path, metavar="FILE", help="a grey picture or a line drawing, of any size")
    analysis.main(parser, analyze, argv)


if __name__ == "__main__":
    sys.exit(main())
