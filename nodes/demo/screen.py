"""Where the demo is shown: a live page on a terminal, a line every few seconds anywhere else."""

from __future__ import annotations

import os
import sys

from rich.console import Console
from rich.live import Live

from nodes.demo.picture import Scene, line, page

LINE_SECONDS = 5.0


class Terminal(Console):
    """Standard output. `gone`: whoever read it has closed it (`chargepark demo | head`)."""

    gone = False

    def on_broken_pipe(self) -> None:
        """Write nowhere from now on: rich would end the process here, before the demo ended its children."""
        self.gone = self.quiet = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


class Screen:
    """Shows scenes between `open` and `close`; `say` is for before and after."""

    def __init__(self, console: Terminal) -> None:
        self._console = console
        self._live: Live | None = None
        self._next_line = 0.0

    @property
    def gone(self) -> bool:
        """Nobody looks any more."""
        return self._console.gone

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def open(self) -> None:
        """Take the terminal, if there is one."""
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = Live(console=self._console, auto_refresh=False, screen=True)
            self._live.start()

    def show(self, scene: Scene) -> None:
        """Show this moment."""
        if self._live is not None:
            self._live.update(page(scene, self._console.height), refresh=True)
        elif scene.seconds >= self._next_line:
            self._next_line += LINE_SECONDS
            self.say(line(scene))

    def close(self) -> None:
        """Give the terminal back."""
        if self._live is not None:
            self._live.stop()
            self._live = None
