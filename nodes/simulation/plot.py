"""Draws a simulated day: what flowed on each phase of each circuit, what of it went into cars, and the fuse."""

# pyright: reportUnknownMemberType=false
# matplotlib's methods take what they can use: `**kwargs` without types

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from nodes.simulation.outcome import Outcome, Sampled
from park.errors import PlotUnusable
from park.model.electric import PHASE_NAMES

WIDTH, PANEL_HEIGHT, MARGIN = 12.0, 2.1, 1.1  # inches
DOTS_PER_INCH = 110
TOTAL, OWN, LIMIT, GRID = "#33475b", "#2a9d8f", "#c1121f", "#d9dee3"
HEADROOM = 1.12  # of the vertical axis above the highest value


class Drawing:
    """Takes samples while the day is simulated, and writes them as a PNG afterwards. `start`: its first moment."""

    def __init__(self, start: datetime) -> None:
        self._start = start.astimezone(UTC)
        self._samples: dict[str, list[Sampled]] = {}

    def sample(self, circuit: str, sampled: Sampled) -> None:
        """Remember what flowed on a circuit at a moment."""
        self._samples.setdefault(circuit, []).append(sampled)

    def write(self, path: Path, outcome: Outcome) -> None:
        """Draw all circuits, three panels each; raises PlotUnusable if the file cannot be written."""
        panels = len(self._samples) * len(PHASE_NAMES)
        figure = Figure(figsize=(WIDTH, MARGIN + PANEL_HEIGHT * panels), layout="constrained")
        FigureCanvasAgg(figure)
        figure.suptitle(_title(outcome), x=0.01, ha="left", fontsize=12, fontweight="bold")
        axes: list[Axes] = list(figure.subplots(panels, 1, sharex=True, squeeze=False)[:, 0])
        for place, (circuit, samples) in enumerate(self._samples.items()):
            for phase, name in enumerate(PHASE_NAMES):
                panel = axes[place * len(PHASE_NAMES) + phase]
                self._draw(panel, samples, phase)
                panel.set_ylabel(f"{circuit} {name}\nampere", fontsize=9)
        axes[0].legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, frameon=False, fontsize=9)
        locator = AutoDateLocator(tz=UTC)
        axes[-1].xaxis.set_major_locator(locator)
        axes[-1].xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC))
        axes[-1].set_xlabel("time of the scenario (UTC)", fontsize=9)
        try:
            figure.savefig(path, dpi=DOTS_PER_INCH, format="png")
        except OSError as wrong:
            raise PlotUnusable(f"{path}: {wrong.strerror or wrong}; name a file that can be written") from wrong

    def _draw(self, panel: Axes, samples: list[Sampled], phase: int) -> None:
        times = [self._start + timedelta(seconds=each.mono) for each in samples]
        total = [each.total_ma[phase] / 1000 for each in samples]
        own = [each.own_ma[phase] / 1000 for each in samples]
        limit = [each.limit_ma[phase] / 1000 for each in samples]
        panel.fill_between(times, own, step="post", color=OWN, alpha=0.75, linewidth=0, label="cars")  # pyright: ignore[reportArgumentType]
        panel.step(times, total, where="post", color=TOTAL, linewidth=1.0, label="cars and house")  # pyright: ignore[reportArgumentType]
        panel.step(times, limit, where="post", color=LIMIT, linewidth=1.4, linestyle=(0, (6, 3)), label="fuse")  # pyright: ignore[reportArgumentType]
        panel.set_ylim(min(0.0, *total), HEADROOM * max(*limit, *total))
        panel.set_xlim(times[0], times[-1])  # pyright: ignore[reportArgumentType]
        panel.grid(color=GRID, linewidth=0.6)
        panel.set_axisbelow(True)
        panel.tick_params(labelsize=8, length=0)
        for side in ("top", "right", "left"):
            panel.spines[side].set_visible(False)


def _title(outcome: Outcome) -> str:
    promises = "no promise broken" if outcome.is_fine else f"{len(outcome.violations)} promises broken"
    return (
        f"{outcome.scenario}, seed {outcome.seed}: {outcome.sessions} sessions, {outcome.energy_wh / 1000:.0f} kWh,"
        f" highest load {outcome.peak_load * 100:.0f} % of the fuse, {promises}"
    )
