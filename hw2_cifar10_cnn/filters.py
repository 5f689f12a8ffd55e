"""What the filters of a convolutional network do: the numbers behind hw2_cifar10_cnn/analyze.py.

For networks without branches, whose first layer scales uint8 images and whose every convolution is followed, perhaps
after pooling and normalisation, by an activation layer. A *stage* is such a convolution up to its activation; a
filter is one channel of it. Images (n, height, width, 3) are uint8, or float in 0..1 where said.
"""

from typing import NamedTuple

import keras
import numpy as np
from keras import ops


class Stage(NamedTuple):
    """A convolution and its activation, with the part of the image that one output sees, as size, step and start.

    The output at (row, column) sees `size` pixels from `start + row * step` on.
    """

    name: str  # of the convolution
    conv: keras.layers.Layer
    activation: keras.layers.Layer
    size: int
    step: int
    start: int


def stages(model):
    """The stages of `model` from the image on."""
    found, conv, size, step, start = [], None, 1, 1, 0
    for layer in model.layers:
        window = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
        if window:  # Dumoulin & Visin 2016, arXiv:1603.07285
            size += (window[0] - 1) * step
            start -= (window[0] - 1) // 2 * step if layer.padding == "same" else 0
            step *= layer.strides[0]
        if isinstance(layer, keras.layers.Conv2D):
            conv = layer
        elif isinstance(layer, keras.layers.Activation) and conv is not None:
            found.append(Stage(conv.name, conv, layer, size, step, start))
            conv = None
    return found


def strongest_patches(model, chosen, images, count=9):
    """The `count` patches that excite each filter most, from different images: {stage name: float (c, count, s, s, 3)}.

    s is the stage's receptive field, at most the size of the image; what lies outside the image is white.
    """
    probe = keras.Model(model.inputs, [stage.activation.output for stage in chosen])
    peaks = {stage.name: ([], []) for stage in chosen}
    for first in range(0, len(images), 250):  # the outputs of all images at once would take gigabytes
        outputs = probe.predict_on_batch(images[first : first + 250])
        for stage, output in zip(chosen, outputs if isinstance(outputs, list) else [outputs], strict=True):
            flat = np.asarray(output, "float32").reshape(len(output), -1, output.shape[-1])
            peaks[stage.name][0].append(flat.max(axis=1))
            peaks[stage.name][1].append(flat.argmax(axis=1))
    patches = {}
    for stage in chosen:
        values, places = (np.concatenate(parts) for parts in peaks[stage.name])
        width = stage.activation.output.shape[2]
        best = np.argsort(-values, axis=0)[:count].T  # (c, count)
        patches[stage.name] = np.stack(
            [
                [_crop(images[i], stage, *divmod(places[i, channel], width)) for i in rows]
                for channel, rows in enumerate(best)
            ]
        )
    return patches


def _crop(image, stage, row, column):
    side = image.shape[0]
    if stage.size >= side:
        return image / 255
    padded = np.pad(image / 255, ((stage.size,) * 2, (stage.size,) * 2, (0, 0)), constant_values=1)
    top, left = (stage.size + stage.start + place * stage.step for place in (row, column))
    return padded[top : top + stage.size, left : left + stage.size]


# Directions in which the colours of photographs vary most, one per column: brightness, blue-yellow, green-magenta.
COLOUR_AXES = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]], "float32")


def exciting_pictures(model, stage, channels, steps, seed=0):
    """The picture that excites each filter in `channels` most, by gradient ascent: float (len(channels), s, s, 3).

    Plain ascent on pixels ends in noise. As in Olah et al. 2017 ("Feature Visualization", distill.pub) what is changed
    is the amplitude of waves, slow ones in large steps and fast ones in small steps, in colour axes that vary
    independently in photographs; and the picture is moved about between steps, so that nothing depends on one pixel.
    All pictures have the contrast of a photograph: the best one is wanted, not the loudest.
    """
    side = model.input_shape[1]
    network = keras.Model(model.layers[1].output, stage.activation.input)  # behind the scaling: float images
    rng = np.random.default_rng(seed)
    frequency = np.arange(side)
    waves = np.cos(np.pi / side * np.outer(frequency, np.arange(side) + 0.5)).astype("float32")  # DCT, a row per wave
    slow_first = (1 / np.maximum(np.hypot(*np.meshgrid(frequency, frequency)), 1) ** 2).astype("float32")
    colours = COLOUR_AXES.T / np.abs(COLOUR_AXES).max()
    channels = np.asarray(channels)
    wanted = np.eye(network.output_shape[-1], dtype="float32")[channels]
    row, column = (length // 2 for length in network.output_shape[1:3])
    reach = stage.size // 8
    seen = np.zeros((side, side, 1), "float32")
    top, left = (stage.start + place * stage.step for place in (row, column))
    window = (slice(max(top, 0), top + stage.size), slice(max(left, 0), left + stage.size))
    seen[window] = 1 / seen[window].size

    def picture(amplitudes):
        x = ops.matmul(ops.matmul(waves.T, amplitudes * slow_first), waves)
        x = ops.matmul(ops.transpose(x, (0, 2, 3, 1)), colours)
        contrast = ops.sqrt(ops.sum(ops.square(x) * seen, axis=(1, 2, 3), keepdims=True) / 3 + 1e-6)
        return 0.5 + 0.5 * ops.tanh(0.6 * x / contrast)

    def objective(amplitudes, move):
        moved = ops.roll(picture(amplitudes), move, axis=(1, 2))
        excitation = ops.cast(network(moved, training=False)[:, row, column], "float32")
        return ops.sum(excitation * wanted)

    climb = input_gradient(objective)
    amplitudes = keras.Variable(rng.normal(0, 0.1, (len(channels), 3, side, side)).astype("float32"))
    optimizer = keras.optimizers.Adam(0.1)
    for _ in range(steps):
        move = rng.integers(-reach, reach + 1, 2).astype("int32")
        _, gradient = climb(ops.convert_to_tensor(amplitudes), ops.convert_to_tensor(move))
        optimizer.apply([-gradient], [amplitudes])
    pictures = ops.convert_to_numpy(picture(amplitudes))
    return pictures[:, *window] if stage.size < side else pictures


def accuracy_without(model, stage, images, labels, n_classes=10):
    """What switching each filter off costs: the change of the accuracy (filters, classes), in points, negative = worse.

    Off means that the output of the stage is 0 in this channel.
    """
    front = keras.Model(model.inputs, stage.activation.output)
    rest = keras.Model(stage.activation.output, model.output)
    outputs = np.asarray(front.predict(images, batch_size=250, verbose=0), "float32")

    def accuracy(x):
        answers = rest.predict_on_batch(x).argmax(axis=1)  # one batch: `predict` would take longer to start than to run
        return np.array([100 * np.mean(answers[labels == label] == label) for label in range(n_classes)])

    whole = accuracy(outputs)
    changes = []
    for channel in range(outputs.shape[-1]):
        kept = outputs[..., channel].copy()
        outputs[..., channel] = 0
        changes.append(accuracy(outputs) - whole)
        outputs[..., channel] = kept
    return np.array(changes)


HAND_MADE = {  # the kernels of the lecture on image processing
    "blur": [[1, 2, 1], [2, 4, 2], [1, 2, 1]],
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "Laplacian": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
    "Sobel left-right": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "Sobel up-down": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "diagonal edge": [[0, 1, 2], [-1, 0, 1], [-2, -1, 0]],
    "line": [[-1, 2, -1], [-1, 2, -1], [-1, 2, -1]],
}


def input_gradient(function):
    """A compiled function (x, *more) -> (value, gradient) for a scalar `function(x, *more)`; gradient shaped like x."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        @tf.function
        def value_and_gradient(x, *more):
            with tf.GradientTape() as tape:
                tape.watch(x)
                value = function(x, *more)
            return value, tape.gradient(value, x)

        return value_and_gradient
    import jax

    return jax.jit(jax.value_and_grad(function))
