"""Are learned kernels those of the lecture? The closest ones, and how close random numbers come."""

import numpy as np
from scipy.ndimage import correlate

from common.figures import plots
from hw2_cifar10_cnn.filters import HAND_MADE


def closest_kernel(kernels, hand_made):
    """Which of the 3 x 3 kernels (n, 3, 3) is closest to one made by hand: (index, correlation).

    The correlation is that of the nine numbers (a blur's mean counts: it is not subtracted, else blur and Laplacian
    would be the same kernel but for the sign).
    """
    target = np.ravel(hand_made) / np.linalg.norm(hand_made)
    flat = kernels.reshape(len(kernels), 9)
    correlations = flat @ target / np.maximum(np.linalg.norm(flat, axis=1), 1e-12)
    best = int(np.argmax(correlations))
    return best, float(correlations[best])


def show_hand_made(stages, image, path):
    """hand_made.png: the lecture's kernels, the closest learned and random ones, and a picture filtered by each.

    Returns {name: the correlations with the closest learned and the closest of as many random kernels}.
    """
    learned, where = [], []
    for stage in stages:
        weights = np.asarray(stage.conv.get_weights()[0])
        if weights.shape[:2] == (3, 3) and stage.conv.trainable:
            inputs, outputs = weights.shape[2:]
            learned.append(weights.reshape(3, 3, -1).transpose(2, 0, 1))
            where += [f"{stage.name}, {i} to {o}" for i in range(inputs) for o in range(outputs)]
    learned = np.concatenate(learned)
    chance = np.random.default_rng(0).normal(size=learned.shape)
    grey = image.mean(axis=2)
    title = f"Kernels made by hand, the closest of {len(learned):,} learned ones, and of as many random ones"
    figure = plots.new_figure(11, 1.95 * len(HAND_MADE) + 0.6, title)
    axes = figure.subplots(len(HAND_MADE), 6)
    numbers = {}
    for row, (name, hand_made) in zip(axes, HAND_MADE.items(), strict=True):
        (best, r), (luck, r_luck) = (closest_kernel(kernels, hand_made) for kernels in (learned, chance))
        numbers[name] = {"learned": r, "random": r_luck}
        trio = np.array(hand_made, float), learned[best], chance[luck]
        captions = (name, f"{where[best]}\ncorrelation {r:.2f}", f"random\ncorrelation {r_luck:.2f}")
        for left, right, kernel, caption in zip(row[::2], row[1::2], trio, captions, strict=True):
            largest = np.abs(kernel).max()
            left.imshow(kernel, cmap="RdBu_r", vmin=-largest, vmax=largest)
            left.set_title(caption, fontsize=9)
            right.imshow(correlate(grey, kernel, mode="nearest"), cmap="gray")
        for ax in row:
            ax.set_axis_off()
    plots.save(figure, path)
    return numbers
