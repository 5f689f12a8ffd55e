"""What every layer of the digit network makes of the digits ("analyse the output of each layer").

    python hw1_mnist_mlp/analyze.py                         about a minute on two CPU cores, after train.py
    python hw1_mnist_mlp/analyze.py --image my_digit.png    your own handwriting, layer by layer

Writes pictures into figures/ of the run and the numbers behind them into analysis.json.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs from any folder, without installation

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
from common.data import images
from common.figures import plots
from common.figures.layer_analysis import analyze_layers
from common.run import analysis
from hw1_mnist_mlp.own_digit import DigitReader

HOMEWORK = "hw1_mnist_mlp"
NAMES = [str(digit) for digit in range(10)]


def analyze(options):
    """Draw all pictures of the run, or with --image those of one picture."""
    model, digits, _ = analysis.open_run(options, HOMEWORK, "mnist")
    figures = options.run / "figures"
    if options.image:
        show_own_digit(model, digits, options.image, figures / f"own_{options.image.stem}.png")
        return
    train, test = (digits.x_train, digits.y_train), (digits.x_test, digits.y_test)
    numbers = analyze_layers(model, train, test, NAMES, figures)
    analysis.show_mistakes(model, *test, NAMES, figures, "{} read as {}")
    analysis.save_numbers(options, numbers)


def show_own_digit(model, digits, picture, path):
    """The user's digit, what every layer makes of it, and the answer, as one picture."""
    digit = images.read_digit(picture)
    reader = DigitReader(model, digits)
    seen = reader.read(digit)
    chances = seen[reader.last].chances
    answer = int(chances.argmax())

    verdict = f"{picture.name}: a {answer}, {100 * chances[answer]:.1f} % sure"
    figure = plots.new_figure(4.3 * max(3, len(seen)), 8.6, verdict)
    top, bottom = figure.subfigures(2, 1, height_ratios=(1, 1.35))
    bottom.suptitle("PCA of each layer's output: test digits, and the picture as a star", fontsize=13)
    ax_picture, ax_digit, ax_chances = top.subplots(1, 3)
    ax_picture.imshow(images.open_picture(picture))
    ax_picture.set_title("the picture")
    ax_digit.imshow(digit, cmap="gray_r")
    ax_digit.set_title("what the network sees, 28 x 28")
    for ax in (ax_picture, ax_digit):
        ax.set_axis_off()
    ax_chances.barh(NAMES, 100 * chances, color=plots.COLOURS[0])
    ax_chances.invert_yaxis()
    ax_chances.set(xlim=(0, 100), xlabel="probability, %", title="the answer")
    for ax, (name, layer) in zip(bottom.subplots(1, len(seen)), seen.items(), strict=True):
        plots.draw_map(ax, reader.points[name], reader.labels, NAMES, star=layer.place)
        who, votes = "the network" if name == reader.last else "a linear probe", layer.chances
        ax.set_title(f"{name}\n{who} says {votes.argmax()}, {100 * votes.max():.0f} %", fontsize=11)
    plots.save(figure, path)
    print(f"{picture}: a {answer}, {100 * chances[answer]:.1f} % sure; see {path}")


@cli.guarded
def main(argv=None):
    parser = analysis.options(HOMEWORK, __doc__)
    parser.add_argument("--image", type=cli.path, metavar="FILE", help="a picture of one digit, of any size")
    analysis.main(parser, analyze, argv)


if __name__ == "__main__":
    sys.exit(main())
