"""Pictures of a finished GAN: how its samples came about, walks through the noise, and the nearest real images."""

import csv

import numpy as np

from common.figures import plots
from common.run import analysis
from hw4_autoencoder import evaluate, generated
from hw4_autoencoder.codes import flat, nearest
from hw4_autoencoder.judge import judge_of
from hw4_autoencoder.writing import WALK_STEPS, WALKS, walk


def analyze(generator, dataset, settings, options):
    figures = options.run / "figures"
    judge, accuracy = judge_of(settings, options.run) if settings.data_set == "mnist" else (None, None)
    n_classes = len(dataset.names) if settings.model == "cgan" else 0
    grids = {int(path.stem): np.load(path) for path in sorted((options.run / "samples").glob("[0-9]*.npy"))}
    epochs = sorted(grids)
    shown = [epochs[i] for i in np.unique(np.linspace(0, len(epochs) - 1, 10).round().astype(int))]
    rows = [(f"epoch {epoch}", grids[epoch][:10]) for epoch in shown]
    plots.image_rows(figures / "progress.png", rows, "The same noise after more and more epochs")

    n = len(grids[epochs[0]])
    labels = np.arange(n) % n_classes if n_classes else None
    if settings.digit is not None:
        labels = np.full(n, settings.digit)
    over_time = []
    for epoch in epochs if judge else ():
        probabilities = judge(grids[epoch])
        row = {"epoch": epoch, "sure_share": float(np.mean(probabilities.max(axis=1) > 0.9))}
        if labels is not None:
            row["recognised_share"] = generated.recognised_share(probabilities, labels)
        over_time.append(row)
    show_training(options.run, over_time, figures / "training.png")

    noise, labels = evaluate.sampling(settings.latent_dim, n_classes, evaluate.JUDGED, seed=2)
    samples = evaluate.generate(generator, noise)
    columns = len(dataset.names) if labels is not None else 12
    rows = [("", samples[i * columns : (i + 1) * columns]) for i in range(10)]
    plots.image_rows(figures / "written.png", rows, "Written from noise", dataset.names if labels is not None else None)
    show_noise_walks(generator, dataset, settings, figures / "walks.png")
    numbers = {
        "over_time": over_time,
        "copying": generated.copying(samples, dataset.x_train, dataset.x_test),
        "detail_ratio": generated.detail_ratio(samples, dataset.x_test),
    }
    if judge:
        numbers["judge_accuracy"] = accuracy
    show_nearest(samples, dataset.x_train, figures / "nearest.png")
    analysis.save_numbers(options, numbers)


def show_training(run, over_time, path):
    """The losses on real images and on fakes apart, and what the judge says of the samples, over the training."""
    with (run / "history.csv").open(newline="", encoding="utf-8") as file:
        history = list(csv.DictReader(file))
    epochs = [int(row["epoch"]) for row in history]
    figure = plots.new_figure(13, 4.4, "The contest, and what comes of it")
    losses, shares = figure.subplots(1, 2)
    names = {
        "real_loss": "discriminator, real images",
        "fake_loss": "discriminator, fakes",
        "generator_loss": "generator",
    }
    for (column, name), colour in zip(names.items(), plots.COLOURS, strict=False):
        losses.plot(epochs, [float(row[column]) for row in history], color=colour, label=name)
    losses.axhline(np.log(2), color=plots.INK, linestyle="--", linewidth=1, label="of a guess, ln 2")
    losses.set(xlabel="epochs", ylabel="loss, nats", ylim=(0, None))
    losses.legend(fontsize=9)
    for key, name, colour in (
        ("recognised_share", "read as intended", plots.COLOURS[0]),
        ("sure_share", "judge is sure (above 90 %)", plots.COLOURS[1]),
    ):
        if over_time and key in over_time[0]:
            values = [100 * row[key] for row in over_time]
            shares.plot([row["epoch"] for row in over_time], values, "o-", color=colour, markersize=4, label=name)
    fooled = [100 * float(row["fooled"]) for row in history]
    shares.plot(epochs, fooled, color=plots.COLOURS[2], label="fakes that look more real")
    shares.set(xlabel="epochs", ylabel="share of the samples, %", ylim=(0, 102))
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
            rows.append(("", evaluate.generate(generator, noise)))
            continue
        a, b = (i % 10, i % 10) if i < walks // 2 else WALKS[i - walks // 2]
        classes = np.eye(len(dataset.names), dtype="float32")
        labels = walk(classes[a], classes[b]).astype("float32")
        noise = noise if a == b else np.repeat(noise[:1], WALK_STEPS, axis=0)
        name = dataset.names[a] if a == b else f"{dataset.names[a]} to {dataset.names[b]}"
        rows.append((name, evaluate.generate(generator, [noise, labels])))
    plots.image_rows(path, rows, "Walks through the noise")


def show_nearest(samples, x_train, path, shown=12):
    """Samples above the training images nearest to them: of those that are nearest, and of the first ones."""
    distances, found = nearest(flat(samples), flat(x_train))
    closest = np.argsort(distances[:, 0])[:shown]
    rows = []
    for name, chosen in (("sample", np.arange(shown)), ("most like a\ntraining image", closest)):
        rows += [(name, samples[chosen]), ("nearest\ntraining image", x_train[found[chosen, 0]])]
    plots.image_rows(path, rows, "Written, and the nearest that it was trained on")
