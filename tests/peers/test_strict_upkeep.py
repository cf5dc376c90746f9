"""Logs, firmware and passwords by a strict central system of other people, with the whole node as a process."""

from __future__ import annotations

import base64
import hashlib
import io
import sys
import tarfile
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from support.certificates import issue
from support.file_server import FileServer, file_server
from support.rig import Rig, eventually, rig
from support.strict import StrictBackend

from park.ocpp.wire import iso

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("strict node")]

PASSWORD = "first-password-01"
MAKER = issue("maker", authority=True)
KEY = ec.generate_private_key(ec.SECP256R1())
SIGNER = issue("signer", MAKER, key=KEY)
FIRMWARE = b"firmware of tomorrow" * 1000
INSTALLER = "import shutil, sys; shutil.copy(sys.argv[-1], sys.argv[1])"


class Park:
    """A running node at security profile 1, its backend, and a server for files."""

    def __init__(self, node: Rig, files: FileServer, folder: Path) -> None:
        self.rig, self.files, self.folder = node, files, folder
        (folder / "installer.py").write_text(INSTALLER)
        (folder / "backend.password").write_text(PASSWORD)
        (folder / "firmware.bin").write_bytes(FIRMWARE)
        path = node.config.path
        text = path.read_text().replace(
            'identity = "RIG"\n', 'identity = "RIG"\nsecurity_profile = 1\npassword_file = "backend.password"\n'
        )
        command = [sys.executable, str(folder / "installer.py"), str(folder / "installed.bin")]
        path.write_text(f'{text}\n[maintenance]\nhosts = ["localhost"]\ninstaller = {command}\n')
        self.csms = StrictBackend(node)
        node.start_node()
        eventually("the node is online", node.online)

    def ask(self, method: str, **params: object) -> dict[str, Any]:
        return self.csms.ask(method, dict(params))["result"]

    def statuses(self, action: str) -> list[str]:
        return [each["status"] for each in self.csms.calls(action)]

    @property
    def url(self) -> str:
        return f"http://localhost:{self.files.port}"


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory) -> Generator[Park]:
    folder = tmp_path_factory.mktemp("upkeep")
    with file_server(folder) as files, rig(folder, points=1, backend_process=False) as made:
        park = Park(made, files, folder)
        yield park
        assert made.end("node") == 0
        assert park.csms.complaints() == []
        assert PASSWORD not in made.log("node")


def test_diagnostics_and_the_security_log_are_brought(park: Park):
    name = park.ask("GetDiagnostics", location=f"{park.url}/logs/")["fileName"]
    eventually("it is brought", lambda: "Uploaded" in park.statuses("DiagnosticsStatusNotification"))
    assert park.statuses("DiagnosticsStatusNotification") == ["Uploading", "Uploaded"]
    with tarfile.open(fileobj=io.BytesIO(park.files.uploads[f"/logs/{name}"])) as archive:
        names = archive.getnames()
        log = archive.extractfile("board/node.log")
        assert log is not None
        assert b"backend connected" in log.read()
    assert set(names) == {"board/node.log", "board/security.log", "board/status.json", "board/about.txt"}
    answer = park.ask("GetLog", logType="SecurityLog", requestId=4, log={"remoteLocation": f"{park.url}/logs"})
    assert answer["status"] == "Accepted"
    eventually("it is brought", lambda: "Uploaded" in park.statuses("LogStatusNotification"))
    with tarfile.open(fileobj=io.BytesIO(park.files.uploads[f"/logs/{answer['filename']}"])) as archive:
        log = archive.extractfile("board/security.log")
        assert log is not None
        assert b"StartupOfTheDevice" in log.read()
    assert park.csms.calls("SecurityEventNotification")[0]["type"] == "StartupOfTheDevice"


def test_where_logs_may_not_go_they_do_not_go(park: Park):
    park.ask("GetDiagnostics", location="http://127.0.0.1:9/logs", retries=1)
    eventually("it is refused", lambda: "UploadFailed" in park.statuses("DiagnosticsStatusNotification"))
    assert "not among the hosts" in park.rig.log("node")


def test_a_new_password_is_used_at_once_and_kept(park: Park):
    connections = len(park.csms.of("auth"))
    change = {"key": "AuthorizationKey", "value": "second-password-2"}
    assert park.ask("ChangeConfiguration", **change) == {"status": "Accepted"}
    eventually("it connects again", lambda: len(park.csms.of("auth")) > connections)
    assert [seen["password"] for seen in park.csms.of("auth")[-2:]] == [PASSWORD, "second-password-2"]
    eventually("and is online", park.rig.online)
    (listed,) = park.ask("GetConfiguration", key=["AuthorizationKey"])["configurationKey"]
    assert listed["value"] == "****"


def test_a_signed_update_is_checked_installed_and_told_after_the_restart(park: Park):
    park.rig.plug("cp1")
    eventually("the backend knows of the car", lambda: park.csms.calls("StatusNotification", status="Preparing"))
    park.rig.swipe("04A1B2C3")
    eventually("current flows", lambda: park.rig.charging("cp1"))
    root = {"certificateType": "ManufacturerRootCertificate", "certificate": MAKER.pem}
    assert park.ask("InstallCertificate", **root) == {"status": "Accepted"}
    firmware = {
        "location": f"{park.url}/firmware.bin",
        "retrieveDateTime": iso(datetime.now(UTC)),
        "signingCertificate": SIGNER.pem,
        "signature": base64.b64encode(KEY.sign(FIRMWARE, ec.ECDSA(hashes.SHA256()))).decode(),
    }
    foreign = {**firmware, "signingCertificate": issue("nobody").pem}
    assert park.ask("SignedUpdateFirmware", requestId=1, firmware=foreign) == {"status": "InvalidCertificate"}
    boots = len(park.csms.calls("BootNotification"))
    assert park.ask("SignedUpdateFirmware", requestId=2, firmware=firmware) == {"status": "Accepted"}
    action = "SignedFirmwareStatusNotification"
    eventually("it is installed", lambda: "Installing" in park.statuses(action))
    eventually("the file is there", (park.folder / "installed.bin").exists)
    assert hashlib.sha256((park.folder / "installed.bin").read_bytes()).digest() == hashlib.sha256(FIRMWARE).digest()
    assert park.rig.charging("cp1")  # the restart waits for the session
    assert len(park.csms.calls("BootNotification")) == boots
    park.rig.unplug("cp1")
    eventually("it says so after its restart", lambda: "Installed" in park.statuses(action))
    steps = ["Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting", "Installed"]
    assert park.statuses(action) == steps
    assert len(park.csms.calls("BootNotification")) == boots + 1
    assert len(park.csms.calls("StopTransaction")) == 1
    assert park.csms.of("auth")[-1]["password"] == "second-password-2"
    assert not park.rig.died()
    types = [each["type"] for each in park.csms.calls("SecurityEventNotification")]
    assert {"InvalidFirmwareSigningCertificate", "FirmwareUpdated"} <= set(types)


def test_an_unsigned_update_that_cannot_be_had(park: Park):
    wish = {"location": f"{park.url}/nothing.bin", "retrieveDate": iso(datetime.now(UTC)), "retries": 1}
    assert park.ask("UpdateFirmware", **wish) == {}
    eventually("it says so", lambda: "DownloadFailed" in park.statuses("FirmwareStatusNotification"))
    assert park.statuses("FirmwareStatusNotification") == ["Downloading", "DownloadFailed"]
