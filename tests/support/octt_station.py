"""The station under test of the compliance cases: a node, its bench and the tool; each case leaves it as it was."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.file_server import FileServer, file_server
from support.octt import CONNECTORS, HARDWARE, Case, running
from support.octt_tool import Tool
from support.rig import Rig, eventually, rig

FIRMWARE = b"firmware of tomorrow" * 1000
BROKEN = b"broken firmware"
INSTALLER = f"""
import shutil, sys
if open(sys.argv[-1], "rb").read() == {BROKEN!r}:
    sys.exit("it is broken")
shutil.copy(sys.argv[-1], sys.argv[1])
"""
AMPLE = 200  # amperes: no case waits for another one's current to be given back
EMPTY_LIST = 1  # version of the list that clears what a case left


@dataclass
class Station:
    """`files`: where firmware comes from and logs go to. `cases`: how many there were."""

    tool: Tool
    files: FileServer
    folder: Path
    cases: int = 0

    @property
    def url(self) -> str:
        return f"http://localhost:{self.files.port}"

    def case(self, outlet: str) -> Case:
        """A case at the connector that had none for longest: a pilot that fell is not raised again at once."""
        built = HARDWARE[outlet]
        self.cases += 1
        return Case(self.tool, built[self.cases % len(built)], built[(self.cases + 1) % len(built)])


@contextmanager
def station(folder: Path) -> Generator[Station]:
    """Bench, central system and node run; the node ends well afterwards."""
    with file_server(folder) as files, rig(folder, points=len(CONNECTORS), limit=AMPLE, backend_process=False) as made:
        _maintained(made, folder)
        made.start_strict_backend()
        tool = Tool(made)
        eventually("the tool listens", lambda: tool.of("listening"))
        made.start_node()
        eventually("the station is online", made.online)
        yield Station(tool, files, folder)
        assert made.end("node") == 0, made.log("node")


def _maintained(made: Rig, folder: Path) -> None:
    """The board may bring logs to, and fetch firmware from, the file server, and installs it by copying.

    A lost connection is tried again each second.
    """
    (folder / "installer.py").write_text(INSTALLER)
    (folder / "firmware.bin").write_bytes(FIRMWARE)
    (folder / "broken.bin").write_bytes(BROKEN)
    command = [sys.executable, str(folder / "installer.py"), str(folder / "installed.bin")]
    maintenance = f'\n[maintenance]\nhosts = ["localhost"]\ninstaller = {command}\n'
    text = made.config.path.read_text().replace("[backend]\n", "[backend]\nreconnect_seconds = 1\n")
    made.config.path.write_text(text + maintenance)


def restore(case: Case) -> None:
    """What a case changed is as before, by the central system's own means and the driver's."""
    tool = case.tool
    tool.arrange(usual=True)
    tool.arrange(offline=False)
    for point, fault in sorted(case.faults):
        tool.rig.fault(point, fault, on=False)
    eventually("the station is online", tool.online)
    for key, value in case.before.items():
        tool.ask("ChangeConfiguration", {"key": key, "value": value})
    _take_back(case)
    for number in running(case):
        tool.ask("RemoteStopTransaction", {"transactionId": number})
    for connector in CONNECTORS:
        point = f"cp{connector}"
        if tool.rig.evse(point).HasField("vehicle"):
            tool.rig.unplug(point)
    _forget_cards(tool)
    for connector in (0, *CONNECTORS):
        free = f"connector {connector} is free again"
        eventually(free, lambda connector=connector: tool.statuses(connector)[-1] == "Available")
    eventually("everything is told", lambda: not tool.rig.waiting())


def _forget_cards(tool: Tool) -> None:
    """Who was let in and did not plug in is waited for no longer."""
    if all(tool.statuses(connector)[-1] != "Preparing" for connector in CONNECTORS):
        return
    (patience,) = tool.ask("GetConfiguration", {"key": ["ConnectionTimeOut"]})["result"]["configurationKey"]
    tool.ask("ChangeConfiguration", {"key": "ConnectionTimeOut", "value": "1"})
    for connector in CONNECTORS:
        eventually("nobody is waited for", lambda connector=connector: tool.statuses(connector)[-1] != "Preparing")
    tool.ask("ChangeConfiguration", {"key": "ConnectionTimeOut", "value": patience["value"]})


def _take_back(case: Case) -> None:
    """Orders of the central system that last."""
    ask, methods = case.tool.ask, {method for method, _, status in case.used if status != "Rejected"}
    for method, params, status in case.used:
        if (method, status) == ("ReserveNow", "Accepted"):
            ask("CancelReservation", {"reservationId": params["reservationId"]})
    if "ChangeAvailability" in methods:
        ask("ChangeAvailability", {"connectorId": 0, "type": "Operative"})
    if "SetChargingProfile" in methods:
        ask("ClearChargingProfile", {})
    if "SendLocalList" in methods:
        ask("SendLocalList", {"listVersion": EMPTY_LIST, "updateType": "Full"})
