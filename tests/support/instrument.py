"""What really happens on a host of the lab, recorded there ten times a second, and the hands at its bench."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.netns import Host

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "tests/support/bench_observer.py"
PATIENCE = 40.0  # seconds until a wait in vain fails; no passing test takes it
SAMPLES_A_SECOND = 5  # at least: the bench says ten


@dataclass(frozen=True, slots=True)
class Seen:
    """A charge point at one instant: mA offered by the pilot, mA that flow on L1, Wh of its register."""

    signalled_ma: int
    current_ma: int
    energy_wh: float


@dataclass(frozen=True, slots=True)
class Sample:
    """`mono`: CLOCK_MONOTONIC, which all hosts of the lab share with the test."""

    mono: float
    points: Mapping[str, Seen]


class Instrument:
    """Begins with the host's bench; keeps everything it saw."""

    def __init__(self, host: Host, bench: str, energy: str, log: Path) -> None:
        self.samples: list[Sample] = []
        self._answers: list[dict[str, Any]] = []
        self._heard = threading.Condition()
        with log.open("ab") as errors:
            self._process: subprocess.Popen[str] = host.run(
                [sys.executable, PROGRAM, bench, energy],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={"PYTHONPATH": str(ROOT)},
            )
        threading.Thread(target=self._read, daemon=True).start()

    def plug(self, point: str, energy_wh: float = 20_000.0) -> None:
        self.ask(call="Plug", request={"charge_point": point, "maximum_ma": 32_000, "energy_wh": energy_wh})

    def unplug(self, point: str) -> None:
        self.ask(call="Unplug", request={"charge_point": point})

    def swipe(self, reader: str, tag: str) -> None:
        self.ask(call="Swipe", request={"reader": reader, "id_tag": tag})

    def shows(self, reader: str) -> str:
        """The feedback of a reader: ACCEPTED, REFUSED, IGNORED and so on."""
        readers = self.ask(call="GetBench", request={})["readers"]
        return next(each["feedback"] for each in readers if each["reader"] == reader).removeprefix("READER_FEEDBACK_")

    def visits_wh(self, point: str) -> list[float]:
        """The energy each car took that was plugged in here and is gone, in Wh."""
        truth = next(each for each in self.ask(call="GetBench", request={})["evses"] if each["charge_point"] == point)
        return [each["end_wh"] - each["start_wh"] for each in truth["visits"] if "end_wh" in each]

    def view(self) -> dict[str, Any]:
        """`status --json` of this host's node; what is not there is {"error": …}."""
        return self._answer({"view": True})

    def ask(self, **order: object) -> dict[str, Any]:
        answer = self._answer(order)
        assert "error" not in answer, f"{order}: {answer}"
        return answer

    def now(self) -> Mapping[str, Seen]:
        """The newest sample."""
        with self._heard:
            assert self._heard.wait_for(lambda: self.samples, PATIENCE), "the bench says nothing"
            return self.samples[-1].points

    def until(self, what: str, suits: Callable[[Mapping[str, Seen]], object], patience: float = PATIENCE) -> Sample:
        """The first sample from now on that suits."""
        with self._heard:
            first = len(self.samples)
            found: list[Sample] = []

            def look() -> object:
                nonlocal first
                found.extend(each for each in self.samples[first:] if suits(each.points))
                first = len(self.samples)
                return found

            assert self._heard.wait_for(look, patience), f"waited {patience} s in vain: {what}; {self.samples[-1:]}"
            return found[0]

    def pass_by(self, mono: float) -> None:
        """Wait until this moment was recorded."""
        patience = max(0.0, mono - time.monotonic()) + PATIENCE
        with self._heard:
            assert self._heard.wait_for(lambda: self.samples and self.samples[-1].mono >= mono, patience), "no samples"

    def between(self, begin: float, end: float) -> list[Sample]:
        """Every sample of this time; fails when there are too few to judge by."""
        self.pass_by(end)
        with self._heard:
            found = [each for each in self.samples if begin <= each.mono <= end]
        assert len(found) >= (end - begin) * SAMPLES_A_SECOND, f"{len(found)} samples in {end - begin:.1f} s"
        return found

    def _answer(self, order: Mapping[str, object]) -> dict[str, Any]:
        with self._heard:
            count = len(self._answers)
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            assert self._heard.wait_for(lambda: len(self._answers) > count, PATIENCE), f"no answer to {order}"
            return self._answers[-1]

    def _read(self) -> None:
        assert self._process.stdout is not None
        for text in self._process.stdout:
            line = json.loads(text)
            with self._heard:
                if "answer" in line:
                    self._answers.append(line["answer"])
                else:
                    points = {name: Seen(*values) for name, values in line["sample"].items()}
                    self.samples.append(Sample(line["mono"], points))
                self._heard.notify_all()
