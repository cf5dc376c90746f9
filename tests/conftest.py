"""Rules and peers: unknown rule ids are refused, a missing peer skips its test, and with CI=true nothing may skip."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

from tools.rules import read_rules

HERE = Path(__file__).parent
IN_CI = os.environ.get("CI") == "true"


@dataclass(frozen=True, slots=True)
class Peer:
    """A program by other people that a test talks to, and how to get it; `needs` are commands, or paths below here."""

    needs: tuple[str, ...]
    install: str

    def missing(self) -> list[str]:
        return [need for need in self.needs if not (shutil.which(need) or (HERE / need).exists())]


PEERS = {
    "mbpoll": Peer(("mbpoll",), "apt-get install mbpoll"),
    "avahi-browse": Peer(
        ("avahi-daemon", "avahi-browse", "dbus-daemon"),
        "apt-get install avahi-daemon avahi-utils dbus",
    ),
    "grpc-js": Peer(
        ("node", "peers/node_modules/@grpc/grpc-js"), "apt-get install nodejs npm && npm ci --prefix tests/peers"
    ),
    "netns": Peer(("ip", "unshare", "nsenter"), "apt-get install iproute2 util-linux"),
    "ocpp-rpc": Peer(
        ("node", "peers/node_modules/ocpp-rpc"), "apt-get install nodejs npm && npm ci --prefix tests/peers"
    ),
    "promtool": Peer(("promtool",), "apt-get install prometheus"),
}


hypothesis.settings.register_profile("chargepark", deadline=None)  # a busy machine is no counterexample
hypothesis.settings.load_profile("chargepark")

RULES = read_rules(HERE.parent / "docs/rules.csv")


def pytest_runtest_setup(item: pytest.Item) -> None:
    # Here, not at collection: xdist swallows what a worker says while it collects.
    for rule in _arguments(item, "rule"):
        if rule not in RULES or RULES[rule].scope == "out":
            pytest.fail(f"{rule} is not a rule in scope: docs/rules.csv lists those that are", pytrace=False)
    for name in _arguments(item, "peer"):
        if name not in PEERS:
            pytest.fail(f"{name} is no peer that tests/conftest.py knows: {', '.join(PEERS)}", pytrace=False)
        if missing := PEERS[name].missing():
            reason = f"needs {' and '.join(missing)}: {PEERS[name].install}"
            if IN_CI:
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)


class Together(LoadScopeScheduling):
    """Tests of one `xdist_group`, and of a module that shares a fixture, go to one worker, in order.

    The plugin's own groups are lost: pytest 9.2 does not let it rename tests.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid.split("::", maxsplit=1)[0]) or nodeid


@cache
def _group(path: str) -> str:
    """The group of a module; empty: each of its tests may go anywhere."""
    text = (HERE.parent / path).read_text(encoding="utf-8")
    named = re.search(r'xdist_group\("([^"]+)"\)', text)
    if named:
        return named[1]
    return path if 'scope="module"' in text else ""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:  # noqa: ANN401 - xdist's own
    return Together(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow ones first: they mostly wait, and at the end one of them would keep all workers but its own idle."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if IN_CI and exitstatus == pytest.ExitCode.OK and _skipped(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in _figures(terminalreporter):
        terminalreporter.write_line(line)
    if IN_CI and (skipped := _skipped(config)):
        terminalreporter.write_line(f"{skipped} skipped with CI=true, where every test has to run", red=True)


def _figures(reporter: pytest.TerminalReporter) -> Iterator[str]:
    """What tests noted with `record_property("figure", …)`: seeds, counts, speeds worth seeing in every run."""
    reports = [report for outcome in ("passed", "failed") for report in reporter.stats.get(outcome, ())]
    return (str(text) for report in reports for name, text in report.user_properties if name == "figure")


def _skipped(config: pytest.Config) -> int:
    """The tests and modules skipped so far; 0 in a worker of xdist, whose reports the main process counts."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return len(reporter.stats.get("skipped", ())) if isinstance(reporter, pytest.TerminalReporter) else 0


def _arguments(item: pytest.Item, mark: str) -> Iterator[str]:
    return (str(argument) for marker in item.iter_markers(mark) for argument in marker.args)
