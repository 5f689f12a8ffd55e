"""What the codes know, and what can be written from them.

    python hw4_autoencoder/analyze.py                            a few minutes on two CPU cores, after train.py
    python hw4_autoencoder/analyze.py --beside outputs/vae       the same walks in the model of another run below it
    python hw4_autoencoder/analyze.py --encode my_digit.png      your own handwriting on the map
    python hw4_autoencoder/analyze.py --decode 0.3,-1.2          the image of a code

--run DIR chooses the run, of an autoencoder or of a GAN. Writes pictures into figures/ of the run and the numbers
behind them into analysis.json.
"""

import sys
from argparse import Namespace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs from any folder, without installation

import numpy as np
from scipy.special import expit

from common import analysis, images, plots
from common.errors import UserError
from hw4_autoencoder import train

HOMEWORK = train.HOMEWORK
WALKS = ((0, 6), (3, 8), (4, 9), (1, 7), (2, 5))  # between which digits
WALK_STEPS = 11
WRITTEN = 1000  # images written from codes around those of each class, 100 of each
MAPPED = 5000  # test images on the maps
NOISES = (0.2, 0.4, 0.6)  # standard deviation of the noise to be removed, white = 1


class Codes:
    """A finished autoencoder: encode uint8 images to codes (n, latent_dim), decode them to uint8 images."""

    def __init__(self, model):
        self.encoder, self.decoder = model.get_layer("encoder"), model.get_layer("decoder")
        self.latent_dim = self.decoder.input.shape[1]

    def encode(self, pictures):
        return train.encode(self.encoder, pictures)

    def decode(self, codes):
        logits = self.decoder.predict(np.asarray(codes, "float32"), batch_size=500, verbose=0)
        return np.round(255 * expit(logits)).astype("uint8")


def analyze(options):
    """Draw all pictures of the run, or with --encode and --decode the one that was asked for."""
    model, config = analysis.open_model(options, HOMEWORK)
    model = analysis.in_float32(model)
    settings = analysis.run_options(options, config)
    gan = settings.model in ("gan", "cgan")
    if gan and (options.encode or options.decode or options.beside):
        raise UserError(f"{options.run} holds a GAN, which has no encoder: give the --run of an autoencoder")
    if options.decode:
        show_code(Codes(model), options)
        return
    dataset = train.load(settings)
    if options.encode:
        show_own_image(Codes(model), dataset, options)
    elif gan:
        analyze_gan(model, dataset, settings, options)
    else:
        analyze_codes(Codes(model), dataset, settings, options)


def judge_of(dataset, settings, options):
    """The classifier that judges what is written, and its test accuracy; (None, None) where there is none."""
    if settings.data_set != "mnist":
        return None, None
    from common import data, generated

    digits = data.load("mnist", settings)
    judge = generated.judge(options.run, digits)
    return judge, generated.recognised_share(judge(digits.x_test), digits.y_test)


# Autoencoders


def analyze_codes(coder, dataset, settings, options):
    figures = options.run / "figures"
    numbers = {}
    x, y, names = dataset.x_test, dataset.y_test, dataset.names
    train_codes, test_codes = coder.encode(dataset.x_train), coder.encode(x)
    to_map = projection(coder, train_codes)
    show_map(to_map(test_codes), x, y, names, figures / "map.png", title_of_map(coder))
    if len(names) > 1:
        numbers["maps"] = compare_maps(train_codes, test_codes, dataset, to_map, figures / "maps.png")
        numbers["classes"] = show_spread((train_codes, dataset.y_train), (test_codes, y), names, figures)
    plane = show_plane(coder, train_codes, figures / "plane.png")
    show_single_numbers(coder, train_codes, test_codes[0], figures / "numbers.png")
    numbers["reconstruction"] = show_reconstructions(coder, x, test_codes, figures / "reconstructions.png")
    numbers["denoising"] = show_denoising(coder, x, figures / "denoising.png")
    judge, accuracy = judge_of(dataset, settings, options)
    if judge:
        numbers["judge_accuracy"] = accuracy
        coders = {f"{settings.model}, {coder.latent_dim} numbers": coder}
        if options.beside:
            other, other_config = analysis.open_model(Namespace(run=options.beside), HOMEWORK)
            if other_config["options"]["model"] in ("gan", "cgan"):
                raise UserError(f"{options.beside} holds a GAN, which has no codes to walk between")
            other = Codes(analysis.in_float32(other))
            coders[f"{other_config['options']['model']}, {other.latent_dim} numbers"] = other
        numbers["slanted"] = show_slanted(coders, judge, dataset, figures / "slanted.png")
        numbers["walks_read_as_either_end"] = show_walks(coders, judge, dataset, figures / "walks.png")
        numbers["plane_sure_share"] = float(np.mean(judge(plane).max(axis=1) > 0.9))
        numbers["written"] = show_written(coder, judge, dataset, train_codes, settings, figures)
    else:
        show_samples(coder, train_codes, settings, figures / "written.png")
    analysis.save_numbers(options, numbers)


def projection(coder, train_codes):
    """A function from codes to places on a map (n, 2): the code itself, or its first two principal components."""
    if coder.latent_dim == 2:
        return lambda codes: codes
    from sklearn.decomposition import PCA

    return PCA(2, random_state=0).fit(train_codes).transform if coder.latent_dim > 2 else with_zeros


def with_zeros(codes):
    return np.concatenate([codes, np.zeros_like(codes)], axis=1)


def title_of_map(coder):
    if coder.latent_dim == 2:
        return "Where the two numbers of the code put each test image"
    return f"The {coder.latent_dim} numbers of the code, seen along their two principal components"


def show_map(points, x, y, names, path, title, own=None):
    """The map coloured by class, and the same with the images drawn over it; `own`: a place to be marked."""
    figure = plots.new_figure(15, 7.6, title)
    left, right = figure.subplots(1, 2)
    plots.draw_map(left, points[:MAPPED], y[:MAPPED], names if len(names) > 1 else ("",), marker_size=6)
    low, high = np.quantile(points, (0.002, 0.998), axis=0)
    plots.scatter_images(right, points, x, y)
    for ax in (left, right):
        ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        if own is not None:
            ax.set(xlim=(min(low[0], own[0]), max(high[0], own[0])), ylim=(min(low[1], own[1]), max(high[1], own[1])))
            ax.scatter(*own, marker="*", s=500, color="white", edgecolors="black", linewidths=2, zorder=9)
    for side in ("left", "bottom"):
        right.spines[side].set_visible(False)
    plots.save(figure, path)


def compare_maps(train_codes, test_codes, dataset, to_map, path):
    """The map beside those of PCA and t-SNE, with the error of the nearest neighbour on each."""
    from common import codes, layers

    y, y_test = dataset.y_train, dataset.y_test
    pixels, test_pixels = codes.flat(dataset.x_train), codes.flat(dataset.x_test)
    pca = codes.fit_pca(dataset.x_train, 2)
    few, labels = test_pixels[:MAPPED], y_test[:MAPPED]
    tsne = layers.tsne_map(few)
    of_tsne = {"knn_error": float(np.mean(codes.neighbour_labels_inside(tsne, labels) != labels))}
    numbers = {
        "code": codes.separation((train_codes, y), (test_codes, y_test)),
        "pca_2": codes.separation((pca.transform(pixels), y), (pca.transform(test_pixels), y_test)),
        "tsne_of_test_images": of_tsne,
    }
    inside = float(np.mean(codes.neighbour_labels_inside(test_codes[:MAPPED], labels) != labels))
    numbers["code"]["knn_error_among_the_same_test_images"] = inside
    figure = plots.new_figure(16.5, 6)
    panels = {
        f"PCA of the pixels\n1-NN error {100 * numbers['pca_2']['knn_error']:.1f} %": pca.transform(few),
        f"this code\n1-NN error {100 * numbers['code']['knn_error']:.1f} %, "
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
    from common import codes

    test_codes, y = test_split
    answers = codes.neighbour_labels(test_codes, *train_split)
    matrix = np.zeros((len(names), len(names)), int)
    np.add.at(matrix, (y, answers), 1)
    scale = np.sqrt(test_codes.var(axis=0).sum())
    spread = [float(np.sqrt(test_codes[y == label].var(axis=0).sum()) / scale) for label in range(len(names))]
    overlap = [float(1 - row[i] / max(row.sum(), 1)) for i, row in enumerate(matrix)]
    figure = plots.new_figure(11, 4.2, "How far the codes of a class spread, and how many lie among another")
    panels = ((spread, "spread, all codes = 100 %"), (overlap, "nearest training code is of another class, %"))
    for ax, (values, label) in zip(figure.subplots(1, 2), panels, strict=True):
        ax.bar(names, 100 * np.array(values), color=[plots.COLOURS[i % 10] for i in range(len(names))])
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
    from sklearn.decomposition import PCA

    if coder.latent_dim == 1:
        drawn = coder.decode(np.quantile(train_codes, np.linspace(0.01, 0.99, cells))[:, None])
        plots.image_rows(path, [("", drawn)], "What the decoder draws along the code")
        return drawn
    places, back = train_codes, lambda codes: codes
    if coder.latent_dim > 2:
        pca = PCA(2, random_state=0).fit(train_codes)
        places, back = pca.transform(train_codes), pca.inverse_transform
    low, high = np.quantile(places, (0.01, 0.99), axis=0)
    horizontal, vertical = (np.linspace(low[i], high[i], cells) for i in (0, 1))
    grid = np.stack(np.meshgrid(horizontal, vertical[::-1]), axis=-1).reshape(-1, 2)
    drawn = coder.decode(back(grid))
    rows = [(f"{value:.1f}", drawn[i * cells : (i + 1) * cells]) for i, value in enumerate(vertical[::-1])]
    captions = [f"{value:.1f}" for value in horizontal]
    plots.image_rows(path, rows, "What the decoder draws all over the plane", captions, height=0.5)
    return drawn


def show_single_numbers(coder, train_codes, code, path, most=10, steps=11):
    """What each number of the code does: all others are kept as they are, this one goes from low to high."""
    spread = train_codes.std(axis=0)
    rows = []
    for i in np.argsort(-spread)[:most]:
        values = np.linspace(*np.quantile(train_codes[:, i], (0.01, 0.99)), steps)
        moved = np.repeat(code[None], steps, axis=0)
        moved[:, i] = values
        rows.append((f"number {i}, {values[0]:.1f} to {values[-1]:.1f}", coder.decode(moved)))
    plots.image_rows(path, rows, "What single numbers of the code do to one image")


def show_reconstructions(coder, x, test_codes, path, each=12):
    """The test images that come back best and worst, and some in between."""
    from common import codes

    rebuilt = coder.decode(test_codes)
    errors = np.mean((codes.flat(rebuilt) - codes.flat(x)) ** 2, axis=1)
    order = np.argsort(errors)
    rows = []
    for name, rows_shown in (
        ("best", order[:each]),
        ("median", order[len(order) // 2 :][:each]),
        ("worst", order[-each:][::-1]),
    ):
        rows += [(f"{name}: image", x[rows_shown]), ("what comes back", rebuilt[rows_shown])]
    plots.image_rows(path, rows, "Test images, and what comes back from their codes")
    shares = dict(zip(("best", "median", "worst"), np.quantile(errors, (0, 0.5, 1)).tolist(), strict=True))
    return {"mean_squared_error": shares}


def show_denoising(coder, x, path, shown=12):
    """Noise is added to test images; the code has no room for it, so what comes back has less."""
    from common import codes

    few, rng = x[:1000], np.random.default_rng(0)
    rows, numbers = [("image", few[:shown])], {}
    for strength in NOISES:
        noisy = train.add_noise(few, rng, strength)
        cleaned = coder.decode(coder.encode(noisy))
        errors = [float(np.mean((codes.flat(each) - codes.flat(few)) ** 2)) for each in (noisy, cleaned)]
        numbers[f"noise_{strength}"] = {"mse_noisy": errors[0], "mse_cleaned": errors[1]}
        rows.append((f"noise {strength}\nerror {errors[0]:.3f}", noisy[:shown]))
        rows.append((f"what comes back\nerror {errors[1]:.3f}", cleaned[:shown]))
    plots.image_rows(path, rows, "Noise added, noise removed (mean squared errors)")
    return numbers


def slant(x):
    """How far each digit (n, 28, 28) leans to the right: pixels to the right per pixel upwards (second moments)."""
    ink = x / x.sum(axis=(1, 2), keepdims=True)
    rows, columns = np.arange(x.shape[1]), np.arange(x.shape[2])
    dy = rows - (ink.sum(axis=2) @ rows)[:, None]
    dx = columns - (ink.sum(axis=1) @ columns)[:, None]
    covariance = np.einsum("nij,ni,nj->n", ink, dy, dx)
    return -covariance / np.einsum("nij,ni->n", ink, dy**2)


def walk(start, end, steps=WALK_STEPS):
    """Codes on the straight line from `start` to `end`, both (latent_dim,)."""
    t = np.linspace(0, 1, steps)[:, None]
    return (1 - t) * start + t * end


def show_slanted(coders, judge, dataset, path, pairs=40):
    """Half of two slanted ones is an upright one only if the code was made so: the lecture's reason for the VAE.

    The walk from a one that leans left to one that leans right. And for `pairs` such pairs of every digit: how many of
    their midpoints the judge takes for that digit, and how far they are from the nearest training image (median): two
    crossing strokes are read as a one too, but nobody has ever written them.
    """
    from common.codes import flat, nearest

    x, y = dataset.x_test, dataset.y_test
    ends, labels = [], []
    for digit in sorted(set(y.tolist())):
        own = np.flatnonzero(y == digit)
        own = own[np.argsort(slant(x[own]))]
        n = min(pairs, len(own) // 5)
        ends.append(np.stack([own[:n], own[::-1][:n]], axis=1))
        labels += n * [digit]
    ends, labels = np.concatenate(ends), np.array(labels)
    ones = ends[labels == (1 if 1 in labels else labels[0])]
    left, right = ones[len(ones) // 3]

    def midpoints(coder):
        codes = coder.encode(x)
        return coder.decode((codes[ends[:, 0]] + codes[ends[:, 1]]) / 2)

    def judged(drawn):
        return {
            "recognised_share": float(np.mean(judge(drawn).argmax(axis=1) == labels)),
            "to_the_nearest_real_image": float(np.median(nearest(flat(drawn), pixels)[0])),
        }

    mixed = np.round(walk(x[left].astype(float).ravel(), x[right].astype(float).ravel())).reshape(-1, *x.shape[1:])
    halves = (x[ends[:, 0]] / 2 + x[ends[:, 1]] / 2).astype("uint8")
    pixels = flat(dataset.x_train)
    numbers = {"real test images": judged(x[ends[:, 0]]), "pixels mixed": judged(halves)}
    rows = [("pixels mixed", mixed.astype("uint8"))]
    for name, coder in coders.items():
        numbers[name] = judged(midpoints(coder))
        start, end = coder.encode(x[[left, right]])
        rows.append((name, coder.decode(walk(start, end))))
    rows = [
        (
            f"{name}: {100 * numbers[name]['recognised_share']:.0f} % read\n"
            f"{numbers[name]['to_the_nearest_real_image']:.1f} from a real one",
            drawn,
        )
        for name, drawn in rows
    ]
    title = "From a one that leans left to one that leans right"
    plots.image_rows(path, rows, title)
    return numbers


def show_walks(coders, judge, dataset, path):
    """Walks between the codes of two digits, in each of `coders`."""
    x, y = dataset.x_test, dataset.y_test
    first = next(iter(coders.values()))
    codes = first.encode(x)
    rows, numbers = [], {name: [] for name in coders}

    def typical(digit):
        own = np.flatnonzero(y == digit)
        return own[np.argmin(np.sum((codes[own] - codes[own].mean(axis=0)) ** 2, axis=1))]

    for a, b in WALKS:
        if not {a, b} <= set(y.tolist()):
            continue
        ends = x[[typical(a), typical(b)]]
        for name, coder in coders.items():
            drawn = coder.decode(walk(*coder.encode(ends)))
            probabilities = judge(drawn)
            numbers[name] += (probabilities[:, [a, b]].max(axis=1) > 0.5).tolist()
            rows.append((f"{a} to {b}\n{name}", drawn))
    plots.image_rows(path, rows, "Walks from one digit to another")
    return {name: float(np.mean(values)) for name, values in numbers.items()}


def around_classes(codes, labels, n, seed=0, near=10):
    """n codes (n, latent_dim) in the neighbourhoods of the classes, and their classes in turn.

    Each lies between the code of a training image and one of the `near` nearest of its class, anywhere on the way.
    """
    from common.codes import nearest

    rng = np.random.default_rng(seed)
    classes = np.unique(labels)
    wished = classes[np.arange(n) % len(classes)]
    drawn = np.empty((n, codes.shape[1]), "float32")
    for label in classes:
        own, places = codes[labels == label], np.flatnonzero(wished == label)
        start = own[rng.integers(0, len(own), len(places))]
        others = nearest(start, own, min(near, len(own)))[1]
        end = own[others[np.arange(len(places)), rng.integers(0, others.shape[1], len(places))]]
        drawn[places] = start + rng.random((len(places), 1), "float32") * (end - start)
    return drawn, wished


def random_codes(train_codes, settings, n, seed=0):
    """n codes drawn from what the model takes for their distribution: of a VAE its prior, else a Gaussian fitted."""
    rng = np.random.default_rng(seed)
    if settings.model == "vae":
        return rng.standard_normal((n, train_codes.shape[1]), "float32")
    mean, covariance = train_codes.mean(axis=0), np.atleast_2d(np.cov(train_codes, rowvar=False))
    return rng.multivariate_normal(mean, covariance, n).astype("float32")


def show_samples(coder, train_codes, settings, path):
    """Images of codes drawn at random."""
    drawn = coder.decode(random_codes(train_codes, settings, 60))
    plots.image_rows(path, [("", drawn[i : i + 12]) for i in range(0, 60, 12)], "Images of codes drawn at random")
    return drawn


def show_written(coder, judge, dataset, train_codes, settings, figures):
    """Digits written from codes: of the mean of each class, from around each class, and drawn at random; judged."""
    from common import generated

    labels = dataset.y_train
    classes = np.unique(labels)
    means = coder.decode([train_codes[labels == label].mean(axis=0) for label in classes])
    codes, wished = around_classes(train_codes, labels, WRITTEN)
    drawn = coder.decode(codes)
    probabilities = judge(drawn)
    random = coder.decode(random_codes(train_codes, settings, WRITTEN))
    numbers = {
        "recognised_share": generated.recognised_share(probabilities, wished),
        "class_means_recognised": generated.recognised_share(judge(means), classes),
        "diversity_ratio": generated.diversity_ratio(drawn, wished, dataset.x_test, dataset.y_test),
        "random_codes_sure_share": float(np.mean(judge(random).max(axis=1) > 0.9)),
        "copying": generated.copying(drawn, dataset.x_train, dataset.x_test),
    }
    n = len(classes)
    rows = [("mean code", means)] + [("", drawn[i * n : (i + 1) * n]) for i in range(8)]
    rows[1] = ("around\nthe class", rows[1][1])
    title = f"Written from codes: {100 * numbers['recognised_share']:.1f} % are read as intended"
    plots.image_rows(figures / "written.png", rows, title)
    sure = 100 * numbers["random_codes_sure_share"]
    rows = [("", random[i : i + 12]) for i in range(0, 60, 12)]
    plots.image_rows(figures / "random.png", rows, f"Codes drawn at random: of {sure:.0f} % the judge is sure")
    return numbers


def show_code(coder, options):
    """--decode: the image of a code, in figures/code_<numbers>.png."""
    try:
        code = np.array([float(number) for number in options.decode.split(",")], "float32")
    except ValueError:
        raise UserError(f"--decode {options.decode}: give numbers with commas between them, as 0.3,-1.2") from None
    if len(code) != coder.latent_dim or not np.isfinite(code).all():
        raise UserError(f"--decode {options.decode}: the codes of {options.run} have {coder.latent_dim} finite numbers")
    path = options.run / "figures" / f"code_{options.decode.replace(' ', '')}.png"
    plots.image_grid(path, coder.decode(code[None]), [""], f"The image of {options.decode}", width=4)
    print(f"the image of {options.decode} is {path}")


def show_own_image(coder, dataset, options):
    """--encode: the user's own digit, its code, its place on the map, its neighbours and what comes back."""
    from common.codes import nearest

    side = dataset.x_test.shape[1]
    grey = dataset.x_test.ndim == 3
    image = images.read_digit(options.encode) if grey else images.read_square(options.encode, side)
    train_codes = coder.encode(dataset.x_train)
    code = coder.encode(image[None])
    near = nearest(code, train_codes, 8)[1][0]
    to_map = projection(coder, train_codes)
    path = options.run / "figures" / f"own_{options.encode.stem}.png"
    rows = [(options.encode.name, image[None]), ("what comes back", coder.decode(code))]
    rows += [("training images with\nthe nearest codes", dataset.x_train[near])]
    plots.image_rows(path, rows, f"{options.encode.name} and its code")
    title = f"{options.encode.name} on the map"
    points = to_map(coder.encode(dataset.x_test))
    on_map = path.with_name(f"{path.stem}_map.png")
    show_map(points, dataset.x_test, dataset.y_test, dataset.names, on_map, title, to_map(code)[0])
    numbers = ",".join(f"{number:.2f}" for number in code[0])
    votes = [dataset.names[label] for label in dataset.y_train[near]]
    print(
        f"{options.encode}: its code is {numbers}; nearest training images: {' '.join(votes)}; see {path} and {on_map}"
    )


# GANs


def analyze_gan(generator, dataset, settings, options):
    from common import generated

    figures = options.run / "figures"
    judge, accuracy = judge_of(dataset, settings, options)
    reports = {int(path.stem): np.load(path) for path in sorted((options.run / "samples").glob("[0-9]*.npy"))}
    epochs = sorted(reports)
    shown = [epochs[i] for i in np.unique(np.linspace(0, len(epochs) - 1, 10).round().astype(int))]
    rows = [(f"after {epoch}", reports[epoch][:10]) for epoch in shown]
    plots.image_rows(figures / "reports.png", rows, "The same noise after more and more passes")

    labels = train.sampling(settings, dataset, train.GRID, seed=1)[1]
    if settings.digit is not None:
        labels = np.full(train.GRID, settings.digit)
    over_time = []
    for epoch in epochs if judge else ():
        probabilities = judge(reports[epoch])
        row = {"epoch": epoch, "sure_share": float(np.mean(probabilities.max(axis=1) > 0.9))}
        if labels is not None:
            row["recognised_share"] = generated.recognised_share(probabilities, labels)
        over_time.append(row)
    show_training(options.run, over_time, figures / "training.png")

    inputs, labels = train.sampling(settings, dataset, train.JUDGED, seed=2)
    samples = train.generate(generator, inputs)
    columns = len(dataset.names) if labels is not None else 12
    rows = [("", samples[i * columns : (i + 1) * columns]) for i in range(10)]
    plots.image_rows(figures / "written.png", rows, "Written from noise", dataset.names if labels is not None else None)
    show_noise_walks(generator, dataset, settings, figures / "walks.png")
    numbers = {"over_time": over_time, "copying": generated.copying(samples, dataset.x_train, dataset.x_test)}
    if judge:
        numbers["judge_accuracy"] = accuracy
    show_nearest(samples, dataset.x_train, figures / "nearest.png")
    analysis.save_numbers(options, numbers)


def show_training(run, over_time, path):
    """The losses on real images and on fakes apart, and what the judge says of the samples, over the training."""
    import csv

    with (run / "history.csv").open(newline="", encoding="utf-8") as file:
        history = list(csv.DictReader(file))
    epochs = [int(row["epoch"]) for row in history]
    figure = plots.new_figure(13, 4.4, "The contest, and what comes of it")
    losses, shares = figure.subplots(1, 2)
    names = {
        "real_loss": "critic, on real images",
        "fake_loss": "critic, on fakes",
        "generator_loss": "generator",
    }
    for (column, name), colour in zip(names.items(), plots.COLOURS, strict=False):
        losses.plot(epochs, [float(row[column]) for row in history], color=colour, label=name)
    losses.axhline(np.log(2), color=plots.INK, linestyle="--", linewidth=1, label="a coin's, ln 2")
    losses.set(xlabel="passes", ylabel="loss, nats", ylim=(0, None))
    losses.legend(fontsize=9)
    for key, name in (("recognised_share", "read as intended"), ("sure_share", "judge is sure (above 90 %)")):
        if over_time and key in over_time[0]:
            values = [100 * row[key] for row in over_time]
            shares.plot([row["epoch"] for row in over_time], values, "o-", markersize=4, label=name)
    fooled = [100 * float(row["fooled"]) for row in history]
    shares.plot(epochs, fooled, color=plots.COLOURS[3], label="taken for real by the critic")
    shares.set(xlabel="passes", ylabel="share of the samples, %", ylim=(0, 102))
    shares.legend(fontsize=9)
    plots.save(figure, path)


def show_noise_walks(generator, dataset, settings, path, walks=6):
    """From one noise to another along the sphere that noise lies near; with classes, from one class to another too."""
    rng = np.random.default_rng(3)
    rows = []
    for i in range(walks):
        start, end = rng.standard_normal((2, settings.latent_dim))
        t = np.linspace(0, 1, WALK_STEPS)[:, None]
        noise = (np.cos(t * np.pi / 2) * start + np.sin(t * np.pi / 2) * end).astype("float32")
        if settings.model == "gan":
            rows.append(("", train.generate(generator, noise)))
            continue
        a, b = (i % 10, i % 10) if i < walks // 2 else WALKS[i - walks // 2]
        classes = np.eye(len(dataset.names), dtype="float32")
        labels = walk(classes[a], classes[b]).astype("float32")
        noise = noise if a == b else np.repeat(noise[:1], WALK_STEPS, axis=0)
        name = dataset.names[a] if a == b else f"{dataset.names[a]} to {dataset.names[b]}"
        rows.append((name, train.generate(generator, [noise, labels])))
    plots.image_rows(path, rows, "Walks through the noise")


def show_nearest(samples, x_train, path, shown=12):
    """Samples above the training images nearest to them: of those that are nearest, and of the first ones."""
    from common.codes import flat, nearest

    distances, found = nearest(flat(samples), flat(x_train))
    closest = np.argsort(distances[:, 0])[:shown]
    rows = []
    for name, chosen in (("sample", np.arange(shown)), ("most like a\ntraining image", closest)):
        rows += [(name, samples[chosen]), ("nearest\ntraining image", x_train[found[chosen, 0]])]
    plots.image_rows(path, rows, "Written, and the nearest that it was trained on")


def main(argv=None):
    parser = analysis.options(HOMEWORK, __doc__)
    parser.add_argument("--encode", type=Path, metavar="FILE", help="a picture to be encoded, of any size")
    parser.add_argument("--decode", metavar="CODE", help="the numbers of a code, with commas between them")
    parser.add_argument("--beside", type=Path, metavar="DIR", help="a run whose walks are drawn beside")
    argv = sys.argv[1:] if argv is None else list(argv)
    if "--decode" in argv[:-1]:  # a code may begin with a minus, which argparse takes for an option
        i = argv.index("--decode")
        argv[i : i + 2] = [f"--decode={argv[i + 1]}"]
    return analysis.main(parser, analyze, argv)


if __name__ == "__main__":
    sys.exit(main())
