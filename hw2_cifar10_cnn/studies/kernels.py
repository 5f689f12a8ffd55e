"""What does a kernel do to a picture? Blurring, sharpening and finding edges, by nine numbers each.

    python hw2_cifar10_cnn/studies/kernels.py                     seconds
    python hw2_cifar10_cnn/studies/kernels.py --image photo.jpg   any picture

The answer: it lays its nine numbers over every nine pixels, multiplies and adds. Where the nine numbers add up to 1,
flat places stay as they are (blur, sharpen: 226 of 255 in the sky of the photograph). Where they add up to 0, flat
places become 0 whatever their brightness (0.0 to 0.4 there), and what is left are edges (699 at the strongest). So a
filter that finds edges does not care how light the picture is.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from any folder, without installation

from common.run import cli, study  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import numpy as np
from PIL import Image
from scipy.signal import correlate2d
from sklearn.datasets import load_sample_image

from common.data import images
from common.figures import plots
from hw2_cifar10_cnn.filters import HAND_MADE

SHOWN = ("blur", "sharpen", "Laplacian", "Sobel left-right", "Sobel up-down")
WIDTH = 320  # pixels that the picture is made no wider than
FLAT = 4  # a place is flat where the Sobel kernels answer less than this, of 255


def grey(picture):
    """The brightness of a Pillow picture, made at most WIDTH wide: float (h, w) in 0..255."""
    picture = picture.convert("L")
    picture.thumbnail((WIDTH, 4 * WIDTH))
    return np.asarray(picture, float)


def kernel(name):
    """One of HAND_MADE, float (3, 3); a blur is divided by its sum, so that it keeps the brightness."""
    values = np.array(HAND_MADE[name], float)
    return values / values.sum() if name == "blur" else values


def answer(picture, name):
    """What the kernel makes of every place but the rim: float (h - 2, w - 2)."""
    return correlate2d(picture, kernel(name), mode="valid")


def study_kernels(options):
    whole = images.open_picture(options.image) if options.image else Image.fromarray(load_sample_image("china.jpg"))
    picture = grey(whole)
    answers = {name: answer(picture, name) for name in SHOWN}
    edges = np.hypot(answers["Sobel left-right"], answers["Sobel up-down"])
    flat = edges < FLAT
    rows = [
        ("kernel", "its numbers add up to", "in flat places it answers", "at the strongest edge from left to right")
    ]
    strongest = np.unravel_index(answers["Sobel left-right"].argmax(), edges.shape)
    for name in SHOWN:
        mean = f"{answers[name][flat].mean():.1f}" if flat.any() else "there are none"
        rows.append((name, f"{kernel(name).sum():g}", mean, f"{answers[name][strongest]:.0f}"))
    study.print_table(rows)
    brightness = f"{picture[1:-1, 1:-1][flat].mean():.0f}" if flat.any() else "-"
    print(f"\n{100 * flat.mean():.0f} % of the places are flat; their mean brightness is {brightness}")
    draw(picture, answers, edges, strongest, options.out / "kernels.png")
    print(f"see {options.out / 'kernels.png'}")


def draw(picture, answers, edges, strongest, path):
    figure = plots.new_figure(16, 6.8, "A kernel: nine numbers, laid over every nine pixels, multiplied and added")
    panels = figure.subplots(2, 4).ravel()
    for ax in panels:
        ax.set(xticks=[], yticks=[])
        ax.set_frame_on(False)
    panels[0].imshow(picture, cmap="gray", vmin=0, vmax=255)
    panels[0].set_title("the picture")
    for ax, (name, found) in zip(panels[1:], answers.items(), strict=False):
        if kernel(name).sum():
            ax.imshow(found, cmap="gray", vmin=0, vmax=255)
        else:
            limit = np.percentile(np.abs(found), 99) or 1
            ax.imshow(found, cmap="RdBu_r", vmin=-limit, vmax=limit)
        ax.set_title(f"{name}: adds up to {kernel(name).sum():g}")
    panels[6].imshow(edges, cmap="magma", vmin=0, vmax=np.percentile(edges, 99) or 1)
    panels[6].set_title("both Sobel kernels: how steep it is")
    flattest = np.unravel_index(edges.argmin(), edges.shape)
    text = [
        sum_of_products(picture, place, where) for place, where in ((flattest, "a flat place"), (strongest, "an edge"))
    ]
    panels[7].text(
        0, 0.98, "\n\n".join(text), va="top", family="monospace", fontsize=10.5, transform=panels[7].transAxes
    )
    plots.save(figure, path)


def sum_of_products(picture, place, where, name="Sobel left-right"):
    """The nine pixels at a place, the nine numbers of a kernel, and what comes out, as text."""
    row, column = place
    pixels, numbers = picture[row : row + 3, column : column + 3], kernel(name)
    lines = [f"{where}, {name}:"]
    for own, factors in zip(pixels, numbers, strict=True):
        lines.append(" ".join(f"{pixel:4.0f} x {factor:2.0f}" for pixel, factor in zip(own, factors, strict=True)))
    return "\n".join([*lines, f"sum: {(pixels * numbers).sum():.0f}"])


@cli.guarded
def main(argv=None):
    parser = study.options(__doc__)
    parser.add_argument("--image", type=cli.path, metavar="FILE", help="a picture of any size (a Chinese temple)")
    study_kernels(parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
