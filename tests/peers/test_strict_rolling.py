"""A signed firmware for all boards of a park, ordered by a strict central system of other people; all are processes."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from support.certificates import issue
from support.file_server import FileServer, file_server
from support.park_rig import SERVER, ParkRig, configurations
from support.rig import eventually
from support.strict import StrictBackend

from nodes.maintenance.board_firmware import FOLDER, SUFFIX
from park.ocpp.wire import iso

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("strict rolling")]

PATIENCE = 90.0  # seconds; a server waits until every board had the time to say how far it is
MAKER = issue("maker", authority=True)
KEY = ec.generate_private_key(ec.SECP256R1())
SIGNER = issue("signer", MAKER, key=KEY)
FIRMWARE = os.urandom(64 * 1024) * 64
STATUS = "SignedFirmwareStatusNotification"
INSTALLER = """
import hashlib, pathlib, sys, time
home, file = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
with (home / "installs").open("a") as log:
    log.write(hashlib.sha256(file.read_bytes()).hexdigest() + "\\n")
while (home / "wait").exists():
    time.sleep(0.05)
new = home / "site/chargepark-99.0.dist-info"
new.mkdir(parents=True)
(new / "METADATA").write_text("Metadata-Version: 2.1\\nName: chargepark\\nVersion: 99.0\\n")
print("version=99.0")
"""


class Rolling(ParkRig):
    """Each board has a folder of its own where its installer puts a new version, which it runs after a restart."""

    def start_board(self, node: str, crash: str = "") -> None:
        site = self.home(node) / "site"
        site.mkdir(parents=True, exist_ok=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", str(site))
            super().start_board(node, crash)

    def home(self, node: str) -> Path:
        return self.directory / f"{node}-home"

    def installs(self, node: str) -> int:
        log = self.home(node) / "installs"
        return len(log.read_text().splitlines()) if log.exists() else 0

    def versions(self) -> dict[str, str | None]:
        view = self.view()
        return {} if view is None else {node.name: node.version for node in view.nodes}

    def fetched(self, node: str) -> int:
        """Bytes of the firmware on the board's disk."""
        return sum(file.stat().st_size for file in (self.directory / node / FOLDER).glob(f"*{SUFFIX}"))


@contextmanager
def rolling(folder: Path) -> Generator[Rolling]:
    """A server with two boards, all with an installer; the first board judges the signer itself."""
    config, files = configurations(folder, 2, 1, 10, 63)
    made = Rolling(folder, config, files=files, points=1)
    (folder / "installer.py").write_text(INSTALLER)
    MAKER.files(folder, "maker")
    for node, path in files.items():
        command = [sys.executable, str(folder / "installer.py"), str(made.home(node))]
        text = path.read_text().replace("[maintenance]\n", "")
        text = text.replace('hosts = ["localhost"]\n', "")
        hosts = 'hosts = ["localhost"]\n' if node == SERVER else ""
        maker = "" if node == "bay-2" else f'maker_file = "{maker_file(folder)}"\n'
        path.write_text(f"{text}\n[maintenance]\n{hosts}{maker}installer = {command}\n")
    try:
        made.start_bench()
        yield made
    finally:
        made.close()


def maker_file(folder: Path) -> str:
    return MAKER.files(folder, "maker")[0].name


def order(csms: StrictBackend, files: FileServer, request: int) -> None:
    firmware = {
        "location": f"http://localhost:{files.port}/firmware.bin",
        "retrieveDateTime": iso(datetime.now(UTC)),
        "signingCertificate": SIGNER.pem,
        "signature": base64.b64encode(KEY.sign(FIRMWARE, ec.ECDSA(hashes.SHA256()))).decode(),
    }
    answer = csms.ask("SignedUpdateFirmware", {"requestId": request, "firmware": firmware})
    assert answer["result"] == {"status": "Accepted"}


@pytest.mark.rule("B-197", "B-309")
def test_a_park_is_updated_a_board_at_a_time_whatever_is_killed(tmp_path: Path):
    (tmp_path / "firmware.bin").write_bytes(FIRMWARE)
    with file_server(tmp_path) as files, rolling(tmp_path) as park:
        csms = StrictBackend(park)
        park.start_board(SERVER)
        park.pair()
        park.start_boards()
        (park.home("bay-2") / "wait").touch()
        order(csms, files, 1)

        eventually("a part is on the first board", lambda: park.fetched("bay-1") > 0)
        park.kill("bay-1")
        had = park.fetched("bay-1")
        assert 0 < had < len(FIRMWARE)
        park.start_board("bay-1")
        eventually("the first board runs the new", lambda: park.versions().get("bay-1") == "99.0", PATIENCE)
        assert f"have={had}" in park.log("bay-1")

        eventually("the second board begins", lambda: park.installs("bay-2") == 1, PATIENCE)
        assert park.versions()["bay-2"] != "99.0"
        park.kill(SERVER)
        park.start_board(SERVER)
        eventually("the boards are back", lambda: park.versions().get("bay-2"), PATIENCE)
        assert park.installs(SERVER) == 0
        (park.home("bay-2") / "wait").unlink()

        eventually("all is told", lambda: csms.calls(STATUS, status="Installed"), PATIENCE)
        eventually("all run the new", lambda: set(park.versions().values()) == {"99.0"}, PATIENCE)
        assert [park.installs(node) for node in park.files] == [1, 1, 1]
        said = [each["status"] for each in csms.calls(STATUS)]
        once = list(dict.fromkeys(said))
        steps = ["Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting", "Installed"]
        assert once == steps
        assert said.count("Installed") == 1
        assert all(park.end(node) == 0 for node in park.files)
        assert csms.complaints() == []
