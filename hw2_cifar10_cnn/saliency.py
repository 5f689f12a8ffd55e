"""Saliency maps: which places and which pixels the network's answer depends on, by two methods.

For networks whose first layer scales uint8 images (n, height, width, 3).
"""

import keras
import numpy as np
from keras import ops
from scipy.special import softmax

from common.figures import plots
from hw2_cifar10_cnn.filters import input_gradient


def occlusion_map(model, image, label, size=8, step=2):
    """How much each place matters for the answer `label` (Zeiler & Fergus 2014): float (height, width).

    A square of `size` pixels in the mean colour covers one place after another; the value is the mean fall of the logit
    of `label` over the squares that cover the pixel.
    """
    side = image.shape[0]
    corners = [(i, j) for i in range(-size + step, side, step) for j in range(-size + step, side, step)]
    covered = np.repeat(image[np.newaxis], len(corners) + 1, axis=0)
    masks = np.zeros((len(corners), side, side), bool)
    for mask, (i, j) in zip(masks, corners, strict=True):
        mask[max(i, 0) : i + size, max(j, 0) : j + size] = True
    covered[1:][masks] = image.mean(axis=(0, 1)).astype("uint8")
    logits = model.predict(covered, batch_size=250, verbose=0)[:, label]
    falls = logits[0] - logits[1:]
    return np.einsum("k,khw->hw", falls, masks) / masks.sum(axis=0)


def gradient_maps(model, images, labels, copies=24, noise=0.08):
    """How much each pixel matters for the answers (SmoothGrad, Smilkov et al. 2017, arXiv:1706.03825): (n, h, w).

    The size of the gradient of the logit, averaged over copies of the image with a little noise.
    """
    network = keras.Model(model.layers[1].output, model.output)
    wanted = np.eye(network.output_shape[-1], dtype="float32")[labels]
    gradient_of = input_gradient(lambda x: ops.sum(ops.cast(network(x, training=False), "float32") * wanted))
    rng = np.random.default_rng(0)
    total = np.zeros(images.shape[:3])
    for _ in range(copies):
        x = np.clip(images / 255 + rng.normal(0, noise, images.shape), 0, 1)
        _, gradient = gradient_of(ops.convert_to_tensor(x.astype("float32")))
        total += np.abs(ops.convert_to_numpy(gradient)).sum(axis=-1)
    return total / copies


def show_saliency(model, pictures, path):
    """saliency.png: for one test picture of each class, which places and pixels the answer depends on."""
    rows = [np.flatnonzero(pictures.y_test == label)[0] for label in range(10)]
    chosen = pictures.x_test[rows]
    logits = model.predict(chosen, verbose=0)
    answers = logits.argmax(axis=1)
    title = "Covering a red place makes the answer weaker, a blue place stronger; bright pixels matter most"
    figure = plots.new_figure(11, 11, title)
    axes = figure.subplots(5, 6)
    for ax in axes.ravel():
        ax.set_axis_off()
    chances = softmax(logits, axis=1)
    maps = saliency_maps(model, chosen, answers)
    for i, answer in enumerate(answers):
        trio = axes[i // 2, 3 * (i % 2) : 3 * (i % 2) + 3]
        truth = pictures.names[pictures.y_test[rows[i]]]
        trio[0].set_title(truth, fontsize=10)
        trio[1].set_title(f"says {pictures.names[answer]}, {100 * chances[i, answer]:.0f} %", fontsize=10)
        draw_saliency(trio, chosen[i], maps[0][i], maps[1][i])
    plots.save(figure, path)


def saliency_maps(model, chosen, answers):
    """(occlusion maps, gradient maps), each (n, 32, 32), for the `answers` of the network."""
    covered = np.stack([occlusion_map(model, x, answer) for x, answer in zip(chosen, answers, strict=True)])
    return covered, gradient_maps(model, chosen, answers)


def draw_saliency(axes, image, covered, gradient):
    """The image, the image under its occlusion map, and the gradient map.

    Red: covering this place lowers the logit of the answer; blue: it raises it.
    """
    axes[0].imshow(image)
    axes[1].imshow(image.mean(axis=2), cmap="gray", alpha=0.6)
    limit = np.abs(covered).max()
    axes[1].imshow(covered, cmap="RdBu_r", vmin=-limit, vmax=limit, alpha=0.6)
    axes[2].imshow(gradient, cmap="magma", vmax=np.percentile(gradient, 99))
