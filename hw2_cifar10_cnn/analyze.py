"""What the filters of the CIFAR-10 network do ("analyse the functionality of a filter").

    python hw2_cifar10_cnn/analyze.py                         a few minutes on two CPU cores, after train.py
    python hw2_cifar10_cnn/analyze.py --layer block2_conv1    every filter of one convolution
    python hw2_cifar10_cnn/analyze.py --image photo.jpg       what it says of a photograph, and what that depends on

Writes pictures into figures/ of the run and the numbers behind them into analysis.json.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs from any folder, without installation

from common.run import cli  # first: it keeps the backend of Keras quiet while it loads

# isort: split
import keras
import numpy as np
from scipy.special import softmax

from common.data import images
from common.errors import UserError
from common.figures import plots
from common.figures.layer_analysis import analyze_layers
from common.run import analysis
from hw2_cifar10_cnn import filters
from hw2_cifar10_cnn.hand_made import show_hand_made
from hw2_cifar10_cnn.saliency import draw_saliency, saliency_maps, show_saliency

HOMEWORK = "hw2_cifar10_cnn"
ABLATION_IMAGES = 1000  # test images on which filters are switched off, 100 of each class
ASCENT_STEPS = 150  # towards the picture that excites a filter most
SHOWN = 24  # filters of a layer that are drawn when all layers are: those that the network would miss most


def analyze(options):
    """Draw all pictures of the run, with --layer those of one layer, with --image those of one photograph."""
    model, pictures, _ = analysis.open_run(options, HOMEWORK, "cifar10")
    figures = options.run / "figures"
    model = analysis.in_float32(model)
    stages = filters.stages(model)
    if options.image:
        show_photograph(model, stages, options.image, pictures.names, figures)
        return
    if options.layer:
        chosen = [stage for stage in stages if stage.name == options.layer]
        if not chosen:
            raise UserError(f"there is no layer {options.layer}: choose from {', '.join(s.name for s in stages)}")
        show_filters(model, chosen, pictures, figures, shown=None)
        return
    numbers = {"filters": show_filters(model, stages, pictures, figures, SHOWN)}
    show_kernels(stages[0], figures / "kernels.png")
    numbers["hand_made"] = show_hand_made(stages, pictures.x_test[0], figures / "hand_made.png")
    show_feature_maps(model, stages, pictures.x_test[0], pictures.names[pictures.y_test[0]], figures / "maps.png")
    show_saliency(model, pictures, figures / "saliency.png")
    train, test = (pictures.x_train, pictures.y_train), (pictures.x_test, pictures.y_test)
    analysis.show_mistakes(model, *test, pictures.names, figures, "{},\ntaken for {}")
    analysis.save_numbers(options, numbers | analyze_layers(model, train, test, pictures.names, figures))


def show_filters(model, stages, pictures, figures, shown):
    """For each layer: filters_<layer>.png, what excites each filter; off_<layer>.png, what switching it off costs."""
    from tqdm import tqdm

    few = np.concatenate([np.flatnonzero(pictures.y_test == label)[: ABLATION_IMAGES // 10] for label in range(10)])
    patches = filters.strongest_patches(model, stages, pictures.x_test[:5000])
    numbers = {}
    for stage in tqdm(stages, desc="filters", disable=None):
        changes = filters.accuracy_without(model, stage, pictures.x_test[few], pictures.y_test[few])
        missed_most = np.argsort(changes.mean(axis=1))[:shown]
        by_class = missed_most[np.lexsort((changes[missed_most].min(axis=1), changes[missed_most].argmin(axis=1)))]
        excited = filters.exciting_pictures(model, stage, by_class, ASCENT_STEPS)
        captions = []
        for channel in by_class:
            label = changes[channel].argmin()
            lost = f"{pictures.names[label]} {changes[channel, label]:+.0f} points"
            captions.append(f"filter {channel}\nwithout it: {lost}")
        mosaics = [mosaic(picture, patches[stage.name][c]) for picture, c in zip(excited, by_class, strict=True)]
        seen = f"{stage.size} x {stage.size} pixels" if stage.size < 32 else "the whole picture"
        title = f"{stage.name}: what excites each filter most. It sees {seen}."
        plots.image_grid(figures / f"filters_{stage.name}.png", mosaics, captions, title, columns=4, width=2.4)
        path = figures / f"off_{stage.name}.png"
        plots.heat_map(
            path,
            changes[by_class],
            [f"filter {channel}" for channel in by_class],
            pictures.names,
            f"{stage.name}: accuracy without the filter",
            "change, percentage points",
        )
        numbers[stage.name] = {
            "mean_change_without_a_filter": float(changes.mean()),
            "largest_change_for_a_class": float(changes.min()),
            "sees_pixels": stage.size,
        }
    return numbers


def mosaic(picture, patches):
    """One image: the exciting picture on the left, nine patches (9, s, s, 3) on the right, the same size over all."""
    side = patches.shape[1]
    zoom = -(-48 // side)  # small patches are enlarged, so that one grid holds all
    big = np.kron(picture, np.ones((3 * zoom, 3 * zoom, 1)))
    gap = max(1, zoom // 4) if side < 16 else 2
    cell = side * zoom
    canvas = np.ones((3 * cell + 2 * gap, 6 * cell + 6 * gap, 3))
    canvas[gap : gap + 3 * cell, : 3 * cell] = big
    for i, patch in enumerate(patches):
        top, left = (i // 3) * (cell + gap), 3 * cell + 4 * gap + (i % 3) * (cell + gap)
        canvas[top : top + cell, left : left + cell] = np.kron(patch, np.ones((zoom, zoom, 1)))
    return canvas


def show_kernels(first, path):
    """kernels.png: the kernels of the first layer as colours."""
    kernels = np.moveaxis(np.asarray(first.conv.get_weights()[0]), -1, 0)
    if not first.conv.trainable:
        kernels = kernels[: len(kernels) // 2]  # the other half are their negatives
    largest = np.abs(kernels).max(axis=(1, 2, 3), keepdims=True)
    captions = [f"filter {channel}" for channel in range(len(kernels))]
    title = f"{first.name}: weights of red, green, blue as brightness, 0 in the middle"
    plots.image_grid(path, 0.5 + 0.5 * kernels / largest, captions, title, columns=6)


def show_feature_maps(model, stages, image, name, path, columns=8):
    """One image through the network: of each layer the filters that answer most strongly, black = nothing."""
    probe = keras.Model(model.inputs, [stage.activation.output for stage in stages])
    outputs = [np.asarray(output, "float32")[0] for output in probe.predict(image[np.newaxis], verbose=0)]
    figure = plots.new_figure(12, 1.32 * len(stages) + 0.6, f"{name}: through the network")
    left, right = figure.subfigures(1, 2, width_ratios=(1, 4.6))
    ax = left.subplots()
    ax.imshow(image)
    ax.set(title="the picture, 32 x 32", anchor="N")
    ax.set_axis_off()
    for row, stage, output in zip(right.subplots(len(stages), columns), stages, outputs, strict=True):
        height, width, channels = output.shape
        row[0].set_ylabel(f"{stage.name}\n{height} x {width},\n{channels} filters", fontsize=9)
        for ax, channel in zip(row, np.argsort(-output.max(axis=(0, 1))), strict=False):
            ax.imshow(output[..., channel], cmap="magma", vmin=0, vmax=max(output[..., channel].max(), 1e-6))
            ax.set_title(f"filter {channel}", fontsize=9)
            ax.set(xticks=[], yticks=[])
    plots.save(figure, path)


def show_photograph(model, stages, photograph, names, figures):
    """The answer for the user's photograph with its maps, and its way through the network."""
    whole = images.open_picture(photograph)
    image = images.read_square(photograph, 32)
    chances = softmax(model.predict(image[np.newaxis], verbose=0)[0])
    answer = int(chances.argmax())
    verdict = f"{photograph.name}: {names[answer]}, {100 * chances[answer]:.0f} % sure"
    figure = plots.new_figure(16, 4.2, verdict)
    axes = figure.subplots(1, 5, width_ratios=(1, 1, 1, 1, 1.1))
    for ax in axes[:4]:
        ax.set_axis_off()
    axes[0].imshow(whole)
    covered, gradient = saliency_maps(model, image[np.newaxis], [answer])
    draw_saliency(axes[1:4], image, covered[0], gradient[0])
    captions = ("the photograph", "what it sees, 32 x 32", "red: must not be covered", "bright: pixels that matter")
    for ax, caption in zip(axes, captions, strict=False):
        ax.set_title(caption, fontsize=11)
    axes[4].barh(names, 100 * chances, color=plots.COLOURS[0])
    axes[4].invert_yaxis()
    axes[4].set(xlim=(0, 100), xlabel="probability, %")
    path = figures / f"own_{photograph.stem}.png"
    plots.save(figure, path)
    show_feature_maps(model, stages, image, photograph.name, figures / f"own_{photograph.stem}_maps.png")
    print(f"{photograph}: {names[answer]}, {100 * chances[answer]:.1f} % sure; see {path}")


@cli.guarded
def main(argv=None):
    parser = analysis.options(HOMEWORK, __doc__)
    parser.add_argument("--layer", metavar="NAME", help="only this convolution, all its filters (all layers)")
    parser.add_argument("--image", type=cli.path, metavar="FILE", help="a photograph, of any size")
    analysis.main(parser, analyze, argv)


if __name__ == "__main__":
    sys.exit(main())
