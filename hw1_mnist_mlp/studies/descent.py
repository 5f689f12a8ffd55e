"""What is gradient descent? A line through nine points, and three curves with traps.

    python hw1_mnist_mlp/studies/descent.py        seconds

The answer: it sees only the slope where it stands, and takes a step downhill whose length is the slope times a rate.
That finds the line of the exact solution, but slowly: the error forms a valley with steep walls and a nearly flat
floor, and a rate that is small enough for the walls (0.004 here) is far too small for the floor. 22,897 updates at
half of that rate; 331 with momentum, which remembers where it was going; 14 once x is centred and scaled, which turns
the valley into a round bowl. At 0.0043 the error explodes. Momentum also gets past what stops plain descent: a small
hollow, a terrace whose slope is 0, a plain with hardly any slope.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # runs from any folder, without installation

import numpy as np

from common.figures import plots
from common.run import cli, study

X = np.array([15.35, 14.35, 13.9, 10.7, 18.4, 12.20, 15.606, 17.70, 20.33])
Y = np.array([80, 81, 85, 90, 91, 95, 101, 102, 110.0])
START = np.array([8.0, -30.0])  # slope and intercept
NEAR = 1.01  # times the least error: this counts as arrived
WAYS = {  # of going down: rate, momentum, whether x is centred and scaled first
    "descent, rate 0.002": (0.002, 0.0, False),
    "rate 0.004, nearly too large": (0.004, 0.0, False),
    "rate 0.0043, too large": (0.0043, 0.0, False),
    "rate 0.002, momentum 0.98": (0.002, 0.98, False),
    "x centred and scaled, rate 0.1": (0.1, 0.0, True),
}
TRAPS = {  # name: (curve, slope, where it begins, rate, momentum)
    "a hollow": (lambda x: (x - 1) ** 2 / 8 + np.cos(3 * x) / 3, lambda x: (x - 1) / 4 - np.sin(3 * x), -5, 0.02, 0.9),
    "a terrace": (lambda x: x**4 / 4 - 2 * x**3 / 3, lambda x: x**3 - 2 * x**2, -1.2, 0.02, 0.9),
    "a plain": (lambda x: 1 - np.exp(-(x**2) / 2), lambda x: x * np.exp(-(x**2) / 2), -4.2, 0.2, 0.95),
}


def descend(slope, start, rate, momentum, updates):
    """The places on the way down (updates + 1, ...): v = momentum v - rate slope(p), p = p + v (Polyak 1964)."""
    place, speed = np.array(start, float), 0.0
    places = [place]
    for _ in range(updates):
        speed = momentum * speed - rate * slope(place)
        place = place + speed
        places.append(place)
        if not np.all(np.abs(place) < 1e6):
            break
    return np.array(places)


def error(line, x=X):
    """The mean squared error of lines (..., 2): slope and intercept."""
    return np.mean((Y - line[..., :1] * x - line[..., 1:]) ** 2, axis=-1)


def error_slope(line, x):
    """The gradient of `error`."""
    rest = line[0] * x + line[1] - Y
    return np.array([2 * np.mean(rest * x), 2 * np.mean(rest)])


def learn(rate, momentum, scaled, updates):
    """The lines on the way down, as slope and intercept of x as it is."""
    if not scaled:
        return descend(lambda line: error_slope(line, X), START, rate, momentum, updates)
    mean, spread = X.mean(), X.std()
    start = [START[0] * spread, START[1] + START[0] * mean]
    lines = descend(lambda line: error_slope(line, (X - mean) / spread), start, rate, momentum, updates)
    return np.stack([lines[:, 0] / spread, lines[:, 1] - lines[:, 0] * mean / spread], axis=1)


def study_descent(options):
    exact = np.polyfit(X, Y, 1)
    most = 1000 if options.quick else 30_000
    ways = {name: learn(*way, most) for name, way in WAYS.items()}
    rows = [("way", "updates until the error is the least, within 1 %", "slope", "intercept")]
    for name, lines in ways.items():
        arrived = np.flatnonzero(error(lines) < NEAR * error(exact))
        if len(lines) <= most:
            said = f"never: the error has exploded after {len(lines):,}"
        else:
            said = f"{arrived[0]:,}" if len(arrived) else f"more than {most:,}"
        rows.append((name, said, f"{lines[-1, 0]:.2f}", f"{lines[-1, 1]:.1f}"))
    rows.append(("the exact solution", "", f"{exact[0]:.2f}", f"{exact[1]:.1f}"))
    study.print_table(rows)
    caught = [("curve", "without momentum it ends at", "with momentum at", "the lowest point is at")]
    falls = {}
    for name, (curve, slope, start, rate, momentum) in TRAPS.items():
        falls[name] = [descend(slope, start, rate, m, 600) for m in (0.0, momentum)]
        places = np.linspace(-6, 6, 100_001)
        ends = [f"{fall[-1]:.2f}" for fall in falls[name]]
        caught.append((name, *ends, f"{places[np.argmin(curve(places))]:.2f}"))
    print()
    study.print_table(caught)
    draw(exact, ways, falls, options.out / "descent.png")
    print(f"\nsee {options.out / 'descent.png'}")


def draw(exact, ways, falls, path):
    figure = plots.new_figure(16, 9, "Gradient descent: always down the slope, in steps of the rate")
    points, surface, errors, *curves = figure.subplots(2, 3).ravel()
    x = np.array([X.min() - 1, X.max() + 1])
    points.scatter(X, Y, color=plots.INK, zorder=3)
    points.plot(x, np.polyval(exact, x), color=plots.INK, label="the exact solution")
    lines = ways["descent, rate 0.002"]
    for updates, colour in zip((0, 1, 100, 3000), plots.COLOURS, strict=False):
        line = lines[min(updates, len(lines) - 1)]
        points.plot(x, np.polyval(line, x), "--", color=colour, label=f"after {updates:,} updates")
    points.set(title="rate 0.002", xlabel="x", ylabel="y", ylim=(-20, 130))
    points.legend(fontsize=9)

    grid = np.stack(np.meshgrid(np.linspace(-4, 8, 200), np.linspace(-30, 130, 200)), axis=-1)
    surface.contourf(grid[..., 0], grid[..., 1], np.log10(error(grid[..., None, :])[..., 0]), 20, cmap="Greys_r")
    for (name, lines), colour in zip(ways.items(), plots.COLOURS, strict=False):
        if "too large" not in name:
            surface.plot(*lines.T, "-", color=colour, linewidth=1.5)
        above = np.maximum(error(lines) - error(exact), 1e-6)
        errors.plot(np.arange(1, len(above) + 1), above, color=colour, label=name)
    surface.plot(*exact, "*", color="white", markersize=14, markeredgecolor=plots.INK)
    surface.set(title="the error: a valley, steep across and flat along", xlabel="slope", ylabel="intercept")
    surface.set(xlim=(-4, 8), ylim=(-30, 130))
    errors.set(xscale="log", yscale="log", xlabel="updates", ylabel="error above that of the exact solution")
    errors.set(xlim=(1, None), ylim=(1e-3, 1e6), title="how fast it gets there")
    for axis in (errors.xaxis, errors.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:,.10g}")
    errors.legend(fontsize=9, loc="upper right")

    for ax, (name, (without, with_momentum)) in zip(curves, falls.items(), strict=True):
        curve = TRAPS[name][0]
        low, high = (f(np.concatenate([without, with_momentum])) for f in (np.min, np.max))
        places = np.linspace(low - 0.5, high + 0.5, 400)
        ax.plot(places, curve(places), color=plots.INK, linewidth=1)
        for fall, colour, label in ((without, plots.COLOURS[0], "without"), (with_momentum, plots.COLOURS[1], "with")):
            ax.plot(fall, curve(fall), "o-", color=colour, markersize=3, linewidth=0.7, label=f"{label} momentum")
            ax.plot(fall[-1], curve(fall[-1]), "o", color=colour, markersize=11, markeredgecolor="white")
        ax.set(title=f"{name}: where 600 updates end", xlabel="the weight", ylabel="error")
        ax.legend(fontsize=9)
    plots.save(figure, path)


@cli.guarded
def main(argv=None):
    study_descent(study.options(__doc__).parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
