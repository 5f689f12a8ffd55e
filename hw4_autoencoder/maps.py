"""Pictures of where codes lie: the map, beside those of PCA and t-SNE; spread and overlap; the plane of all codes."""

import numpy as np
from sklearn.decomposition import PCA

from common.figures import plots
from common.figures.layers import tsne_map
from hw4_autoencoder.codes import fit_pca, flat, neighbour_labels, neighbour_labels_inside, separation

MAPPED = 5000  # test images on the maps


def projection(coder, train_codes):
    """A function from codes to places on a map (n, 2): the code itself, or its first two principal components."""
    if coder.latent_dim == 2:
        return lambda codes: codes
    return PCA(2, random_state=0).fit(train_codes).transform if coder.latent_dim > 2 else spread_out


def plane(coder, train_codes):
    """Functions from codes of two numbers or more to places on a plane (n, 2), and back from places to codes.

    The plane is that of the two numbers, or of the two principal components of a longer code.
    """
    if coder.latent_dim == 2:
        return (lambda codes: codes), (lambda places: places)
    pca = PCA(2, random_state=0).fit(train_codes)
    return pca.transform, pca.inverse_transform


def spread_out(codes):
    """Codes of one number with a height drawn at random, so that they do not hide one another."""
    return np.concatenate([codes, np.random.default_rng(0).random(codes.shape, "float32")], axis=1)


def title_of_map(coder):
    if coder.latent_dim == 1:
        return "Where the one number of the code puts each test image (its height is drawn at random)"
    if coder.latent_dim == 2:
        return "Where the two numbers of the code put each test image"
    return f"The {coder.latent_dim} numbers of the code, seen along their two principal components"


def show_map(points, x, y, names, path, title, own=None):
    """The map coloured by class, and the same with the images drawn over it; `own`: a place to be marked."""
    figure = plots.new_figure(15, 7.6, title)
    left, right = figure.subplots(1, 2)
    plots.draw_map(left, points[:MAPPED], y[:MAPPED], names if len(names) > 1 else ("",), marker_size=10)
    low, high = np.quantile(points, (0.002, 0.998), axis=0)
    low, high = low - 0.05 * (high - low), high + 0.05 * (high - low)  # few lie farther out
    plots.scatter_images(right, points, x, y)
    for ax in (left, right):
        ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        if own is not None:
            ax.set(xlim=(min(low[0], own[0]), max(high[0], own[0])), ylim=(min(low[1], own[1]), max(high[1], own[1])))
            ax.scatter(*own, marker="*", s=500, color="white", edgecolors="black", linewidths=2, zorder=9)
    right.set_axis_off()
    plots.save(figure, path)


def compare_maps(train_codes, test_codes, dataset, to_map, name, path):
    """The map of the model `name` beside those of PCA and t-SNE, with the error of the nearest neighbour on each."""
    y, y_test = dataset.y_train, dataset.y_test
    pixels, test_pixels = flat(dataset.x_train), flat(dataset.x_test)
    pca = fit_pca(dataset.x_train, 2)
    few, labels = test_pixels[:MAPPED], y_test[:MAPPED]
    tsne = tsne_map(few)
    of_tsne = {"knn_error": float(np.mean(neighbour_labels_inside(tsne, labels) != labels))}
    numbers = {
        "code": separation((train_codes, y), (test_codes, y_test)),
        "pca_2": separation((pca.transform(pixels), y), (pca.transform(test_pixels), y_test)),
        "tsne_of_test_images": of_tsne,
    }
    inside = float(np.mean(neighbour_labels_inside(test_codes[:MAPPED], labels) != labels))
    numbers["code"]["knn_error_among_the_same_test_images"] = inside
    figure = plots.new_figure(16.5, 6)
    panels = {
        f"PCA of the pixels\n1-NN error {100 * numbers['pca_2']['knn_error']:.1f} %": pca.transform(few),
        f"{name}\n1-NN error {100 * numbers['code']['knn_error']:.1f} %, "
        f"among these {len(few):,} {100 * inside:.1f} %": to_map(test_codes[:MAPPED]),
        f"t-SNE of the pixels, of these {len(few):,} images alone\n1-NN error {100 * of_tsne['knn_error']:.1f} %": tsne,
    }
    for ax, (caption, points) in zip(figure.subplots(1, 3), panels.items(), strict=True):
        plots.draw_map(ax, points, labels, dataset.names)
        ax.set_title(caption, fontsize=12)
    plots.save(figure, path)
    return numbers


def show_spread(train_split, test_split, names, figures):
    """Per class: how far its codes spread, and how many of them lie next to another class; who is taken for whom."""
    test_codes, y = test_split
    answers = neighbour_labels(test_codes, *train_split)
    matrix = np.zeros((len(names), len(names)), int)
    np.add.at(matrix, (y, answers), 1)
    scale = np.sqrt(test_codes.var(axis=0).sum())
    spread = [float(np.sqrt(test_codes[y == label].var(axis=0).sum()) / scale) for label in range(len(names))]
    overlap = [float(1 - row[i] / max(row.sum(), 1)) for i, row in enumerate(matrix)]
    figure = plots.new_figure(11, 4.2, "How far the codes of a class spread, and how many lie among another")
    panels = ((spread, "spread, all codes = 100 %"), (overlap, "nearest training code is of another class, %"))
    for ax, (values, label) in zip(figure.subplots(1, 2), panels, strict=True):
        ax.bar(names, 100 * np.array(values), color=[plots.CLASS_COLOURS[i % 10] for i in range(len(names))])
        ax.set_ylabel(label)
        if max(map(len, names)) > 3:
            ax.tick_params(axis="x", rotation=45)
    plots.save(figure, figures / "spread.png")
    plots.confusion_matrix(figures / "overlap.png", matrix, names, "The class of the nearest training code")
    return {name: {"spread": s, "overlap": o} for name, s, o in zip(names, spread, overlap, strict=True)}


def show_plane(coder, train_codes, path, cells=20):
    """What the decoder draws all over the plane: of a longer code, the plane of its two principal components.

    Returns the images.
    """
    if coder.latent_dim == 1:
        drawn = coder.decode(np.quantile(train_codes, np.linspace(0.01, 0.99, cells))[:, None])
        plots.image_rows(path, [("", drawn)], "What the decoder draws along the code")
        return drawn
    to_plane, back = plane(coder, train_codes)
    low, high = np.quantile(to_plane(train_codes), (0.01, 0.99), axis=0)
    horizontal, vertical = (np.linspace(low[i], high[i], cells) for i in (0, 1))
    grid = np.stack(np.meshgrid(horizontal, vertical[::-1]), axis=-1).reshape(-1, 2)
    drawn = coder.decode(back(grid))
    rows = [(f"{value:.1f}", drawn[i * cells : (i + 1) * cells]) for i, value in enumerate(vertical[::-1])]
    captions = [f"{value:.1f}" for value in horizontal]
    plots.image_rows(path, rows, "What the decoder draws all over the plane", captions, height=0.5)
    return drawn
