"""Pictures and numbers of the layer analysis: what each layer of a network has made of the data."""

import keras
import numpy as np
from tqdm import tqdm

from common.figures import layers, plots


def layers_to_show(model):
    """The layers that end a stage of `model`: every non-linearity, and the output."""

    def is_nonlinear(layer):
        activation = getattr(layer, "activation", None)
        return activation is not None and activation is not keras.activations.linear

    return [layer for layer in model.layers if is_nonlinear(layer)] + model.layers[-1:]


def layer_reader(model):
    """A function x -> what `layer_outputs` gives; made once where examples come one by one."""
    layers = layers_to_show(model)
    average = keras.layers.GlobalAveragePooling2D(dtype="float32")
    outputs = [average(layer.output) if len(layer.output.shape) == 4 else layer.output for layer in layers]
    probe = keras.Model(model.inputs, outputs)

    def read(x, batch_size=500):
        parts = [probe.predict_on_batch(x[i : i + batch_size]) for i in range(0, len(x), batch_size)]
        parts = [part if isinstance(part, list) else [part] for part in parts]  # of a network without a hidden layer
        pixels = x / 255 if x.dtype == "uint8" else x
        outputs = [np.concatenate(part) for part in zip(*parts, strict=True)]
        named = {"input": pixels, **{layer.name: output for layer, output in zip(layers, outputs, strict=True)}}
        return {name: np.asarray(output, "float32").reshape(len(x), -1) for name, output in named.items()}

    return read


def layer_outputs(model, x, batch_size=500):
    """{name: float32 (n, units)} of the input (scaled to 0..1 if uint8) and of `layers_to_show(model)`.

    A unit of a convolutional layer is one filter: its output is averaged over the places of the image.
    """
    return layer_reader(model)(x, batch_size)


def analyze_layers(model, train, test, names, figures, probe_examples=5000, tsne_examples=2500):
    """Draw the layer analysis into the folder `figures` and return its numbers.

    train, test: (x, y) of the splits. names: of the classes 0, 1, ... as drawn on the maps; examples of further
    classes count in the numbers and are left out of the maps.

    layers_pca.png, layers_tsne.png  a map of test examples per layer, coloured by class
    layers_probe.png                 accuracy of a linear probe and separation of the classes, growing with depth
    layers_units.png                 dead units, units that are always on, sparsity
    layers_class_means.png           which unit answers to which class
    """
    (x_train, y_train), (x_test, y_test) = train, test
    of_train = layer_outputs(model, x_train[:probe_examples])
    of_test = layer_outputs(model, x_test)
    y_train = y_train[:probe_examples]
    shown = np.flatnonzero(y_test < len(names))
    few = shown[:tsne_examples]
    hidden = [layer.name for layer in layers_to_show(model)[:-1]]
    numbers, pca_maps, tsne_maps = {}, {}, {}
    for layer in tqdm(of_test, desc="layers", disable=None):
        output = of_test[layer]
        points_of, share = layers.pca_map(output[shown])
        caption = f"{layer}\n{output.shape[1]:,} numbers, {100 * share:.0f} % of the variance"
        pca_maps[caption] = points_of(output[shown])
        tsne_maps[f"{layer}\n{output.shape[1]:,} numbers"] = layers.tsne_map(output[few])
        probe = layers.fit_linear_probe(of_train[layer], y_train)
        numbers[layer] = {
            "probe_accuracy": float(probe.score(output, y_test)),
            "class_separation": layers.class_separation(output, y_test),
        }
        if layer in hidden:
            numbers[layer] |= layers.unit_statistics(output)
    _draw_maps(figures / "layers_pca.png", pca_maps, y_test[shown], names, "PCA of each layer's output, test data")
    _draw_maps(figures / "layers_tsne.png", tsne_maps, y_test[few], names, "t-SNE of each layer's output, test data")
    _draw_probe(figures / "layers_probe.png", numbers)
    if hidden:
        _draw_units(figures / "layers_units.png", {k: v for k, v in numbers.items() if "dead" in v})
        means = {k: of_test[k][shown] for k in hidden}
        _draw_class_means(figures / "layers_class_means.png", means, y_test[shown], names)
    return {"layers": numbers}


def _draw_maps(path, maps, labels, names, title):
    columns = 2 if len(maps) in (2, 4) else 3
    rows = -(-len(maps) // columns)
    figure = plots.new_figure(5.2 * columns, 4.9 * rows + 0.4, title)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes:
        ax.set_axis_off()
    for ax, (caption, points) in zip(axes, maps.items(), strict=False):
        ax.set_axis_on()
        plots.draw_map(ax, points, labels, names)
        ax.set_title(caption, fontsize=11)
    plots.save(figure, path)


def _draw_probe(path, numbers):
    figure = plots.new_figure(10, 4.2, "Layer by layer the classes come apart")
    panels = (("probe_accuracy", "error of a linear probe, %"), ("class_separation", "variance between the classes, %"))
    for ax, (key, label) in zip(figure.subplots(1, 2), panels, strict=True):
        values = [100 * entry[key] for entry in numbers.values()]
        values = [100 - value for value in values] if key == "probe_accuracy" else values
        ax.bar(range(len(values)), values, color=plots.COLOURS[0], width=0.6)
        for position, value in enumerate(values):
            ax.text(position, value, f"{value:.1f}", ha="center", va="bottom")
        many = len(values) > 5
        ax.set_xticks(range(len(values)), numbers, rotation=40 if many else 0, ha="right" if many else "center")
        ax.set_ylabel(label)
        ax.margins(y=0.12)
    plots.save(figure, path)


def _draw_units(path, numbers):
    figure = plots.new_figure(3 + 1.6 * len(numbers), 4.2, "How the hidden layers use their units")
    ax = figure.subplots()
    kinds = (
        ("dead", "units never active"),
        ("always_on", "units active on 99 % of the data or more"),
        ("sparsity", "activations that are zero or less"),
    )
    positions = np.arange(len(numbers))
    for offset, (key, label) in zip((-0.26, 0, 0.26), kinds, strict=True):
        values = [100 * entry[key] for entry in numbers.values()]
        ax.bar(positions + offset, values, 0.24, color=plots.COLOURS[kinds.index((key, label))], label=label)
        for position, value in zip(positions + offset, values, strict=True):
            ax.text(position, value, f"{value:.0f}", ha="center", va="bottom", fontsize=9)
    ax.set_xticks(positions, [f"{name}\n{entry['units']:,} units" for name, entry in numbers.items()])
    ax.set(ylabel="share, %", ylim=(0, 118))
    ax.legend(loc="upper center", ncols=1 if len(numbers) < 3 else 3, fontsize=9)
    plots.save(figure, path)


def _draw_class_means(path, outputs, labels, names):
    columns = min(4, len(outputs))
    rows = -(-len(outputs) // columns)
    figure = plots.new_figure(2 + 0.5 * len(names) * columns, 6.5 * rows, "Which unit answers to which class")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[len(outputs) :]:
        ax.set_axis_off()
    for ax, (layer, output) in zip(axes, outputs.items(), strict=False):
        image = ax.imshow(
            layers.class_means(output, labels), aspect="auto", interpolation="nearest", cmap="viridis", vmin=0, vmax=1
        )
        ax.set_xticks(range(len(names)), names, rotation=90 if max(map(len, names)) > 2 else 0)
        ax.set_title(layer)
    for ax in axes[::columns]:
        ax.set_ylabel("unit, sorted by its favourite class")
    figure.colorbar(image, ax=figure.axes, label="mean activation, the unit's largest = 1", shrink=0.7)
    plots.save(figure, path)
