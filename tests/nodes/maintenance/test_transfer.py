"""Files to and from servers on loopback, HTTP, HTTPS, FTP and FTPS: cut off, redirected, too long, and elsewhere."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path

import pytest
from support.certificates import issue, server_context
from support.file_server import file_server
from support.ftp_server import PASSWORD, USER, ftp_server

from nodes.maintenance import transfer
from nodes.maintenance.partial import Stop
from nodes.maintenance.places import Rules, TransferFailed

CA = issue("files authority", authority=True)
SERVER = issue("files", CA, hosts=("localhost", "127.0.0.1"))
TRUSTING = ssl.create_default_context(cadata=CA.pem)
HERE = Rules(frozenset({"localhost", "127.0.0.1"}), TRUSTING)
BODY = bytes(range(256)) * 1000
MOST = 1_000_000


def get(url: str, path: Path, most: int = MOST, rules: Rules = HERE, stop: Stop | None = None) -> str:
    return transfer.download(rules, url, path, most, stop or Stop())


def put(url: str, file: Path, rules: Rules = HERE) -> None:
    transfer.upload(rules, url, file, "log.tar.gz", Stop())


@pytest.fixture
def there(tmp_path: Path) -> Path:
    folder = tmp_path / "there"
    (folder / "logs").mkdir(parents=True)
    (folder / "firmware.bin").write_bytes(BODY)
    return folder


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "log").write_bytes(BODY)
    return folder


# ------------------------------------------------------------ HTTP


@pytest.mark.parametrize("secure", [False, True])
def test_a_file_is_fetched_whole(there: Path, here: Path, secure: bool):
    tls = server_context(here, SERVER) if secure else None
    with file_server(there, tls) as server:
        digest = get(f"http{'s' if secure else ''}://localhost:{server.port}/firmware.bin?v=1", here / "f.firmware")
    assert digest == hashlib.sha256(BODY).hexdigest()
    assert (here / "f.firmware").read_bytes() == BODY


def test_a_download_goes_on_where_it_was_cut_off(there: Path, here: Path):
    with file_server(there) as server:
        url = f"http://localhost:{server.port}/firmware.bin"
        server.cut = 100_000
        with pytest.raises(TransferFailed, match="ended after 100000 of 256000"):
            get(url, here / "f.firmware")
        get(url, here / "f.firmware")
        assert [each[2] for each in server.requests] == [None, "bytes=100000-"]
    assert (here / "f.firmware").read_bytes() == BODY


@pytest.mark.parametrize("marks", [True, False])
def test_parts_of_two_files_are_never_joined(there: Path, here: Path, marks: bool):
    with file_server(there) as server:
        url = f"http://localhost:{server.port}/firmware.bin"
        server.cut, server.marks = 100_000, marks
        with pytest.raises(TransferFailed):
            get(url, here / "f.firmware")
        (there / "firmware.bin").write_bytes(BODY[::-1])
        get(url, here / "f.firmware")
    assert (here / "f.firmware").read_bytes() == BODY[::-1]


def test_a_file_that_is_there_already_is_not_fetched_again(there: Path, here: Path):
    with file_server(there) as server:
        url = f"http://localhost:{server.port}/firmware.bin"
        get(url, here / "f.firmware")
        assert get(url, here / "f.firmware") == hashlib.sha256(BODY).hexdigest()
    assert (here / "f.firmware").stat().st_size == len(BODY)


def test_too_long_a_file_is_refused_before_and_while_it_comes(there: Path, here: Path):
    with file_server(there) as server, pytest.raises(TransferFailed, match="256000 bytes; 1000 are allowed"):
        get(f"http://localhost:{server.port}/firmware.bin", here / "f.firmware", most=1000)
    assert (here / "f.firmware").stat().st_size <= 1000


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("/firmware.bin", ""),
        ("ftp://localhost/x", "which is not fetched"),
        ("http://10.255.0.1/x", "not among the hosts"),
    ],
)
def test_redirects_lead_only_where_files_may_come_from(there: Path, here: Path, target: str, says: str):
    with file_server(there) as server:
        server.redirects["/moved"] = target
        url = f"http://localhost:{server.port}/moved"
        if says:
            with pytest.raises(TransferFailed, match=says):
                get(url, here / "f.firmware")
        else:
            get(url, here / "f.firmware")
        server.redirects["/moved"] = "/moved"
        with pytest.raises(TransferFailed, match="more than 5 times"):
            get(url, here / "g.firmware")


@pytest.mark.parametrize("takes", ["PUT", "POST"])
def test_a_log_is_brought_by_put_or_as_a_form(there: Path, here: Path, takes: str):
    with file_server(there) as server:
        server.takes = takes
        put(f"http://station:s3cret@localhost:{server.port}/logs/", here / "log")
        assert server.uploads == {"/logs/log.tar.gz": BODY}
        assert server.authorization[-1] == "Basic c3RhdGlvbjpzM2NyZXQ="


def test_a_server_that_refuses_says_so_without_the_password(there: Path, here: Path):
    with file_server(there) as server:
        server.refuse = 2
        for call in (lambda url: put(url, here / "log"), lambda url: get(url, here / "f.firmware")):
            with pytest.raises(TransferFailed, match="HTTP 503") as failed:
                call(f"http://station:s3cret@localhost:{server.port}/logs")
            assert "s3cret" not in str(failed.value)


def test_a_server_that_is_not_trusted_gets_nothing(there: Path, here: Path):
    rules = Rules(HERE.hosts, ssl.create_default_context())
    with file_server(there, server_context(here, SERVER)) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            put(f"https://localhost:{server.port}/", here / "log", rules)
        assert server.uploads == {}


# ------------------------------------------------------------ FTP


@pytest.mark.parametrize("secure", [False, True])
def test_ftp_up_and_down(there: Path, here: Path, secure: bool):
    tls = server_context(here, SERVER) if secure else None
    with ftp_server(there, tls) as server:
        place = f"ftp{'s' if secure else ''}://{USER}:{PASSWORD}@localhost:{server.port}"
        put(f"{place}/logs/", here / "log")
        assert get(f"{place}/firmware.bin", here / "f.firmware") == hashlib.sha256(BODY).hexdigest()
        assert ("PROT P" in server.said) is secure
    assert (there / "logs/log.tar.gz").read_bytes() == BODY


def test_ftp_goes_on_where_it_was_cut_off_unless_the_file_is_another(there: Path, here: Path):
    with ftp_server(there) as server:
        url = f"ftp://{USER}:{PASSWORD}@localhost:{server.port}/firmware.bin"
        server.cut = 100_000
        with pytest.raises(TransferFailed, match="ended after 100000 of 256000"):
            get(url, here / "f.firmware")
        get(url, here / "f.firmware")
        assert "REST 100000" in server.said
        assert (here / "f.firmware").read_bytes() == BODY
        (there / "firmware.bin").write_bytes(BODY[:1000])
        get(url, here / "f.firmware")
    assert (here / "f.firmware").read_bytes() == BODY[:1000]


@pytest.mark.parametrize(
    ("path", "password", "says"),
    [("firmware.bin", "wrong", "530"), ("nothing.bin", PASSWORD, "550"), ("a%0d%0ab", PASSWORD, "refused")],
)
def test_ftp_that_refuses_says_so(there: Path, here: Path, path: str, password: str, says: str):
    with ftp_server(there) as server, pytest.raises(TransferFailed, match=says):
        get(f"ftp://{USER}:{password}@localhost:{server.port}/{path}", here / "f.firmware")


def test_ftp_too_long_a_file_is_refused(there: Path, here: Path):
    with ftp_server(there) as server, pytest.raises(TransferFailed, match="1000 are allowed"):
        get(f"ftp://{USER}:{PASSWORD}@localhost:{server.port}/firmware.bin", here / "f.firmware", most=1000)


# ------------------------------------------------------------ where files may be


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1:80/x", "this machine"),
        ("http://localhost/x", "this machine"),
        ("http://[::1]/x", "this machine"),
        ("http://0.0.0.0/x", "this machine"),
        ("http://169.254.169.254/latest/meta-data", "this machine"),
        ("file:///etc/passwd", "no URL of"),
        ("sftp://10.0.0.1/x", "no URL of"),
        ("http://10.0.0.1:99999/x", "no URL of"),
        ("http://no-such-host.invalid/x", "cannot be found"),
        ("http://10.0.0.1/a b", "characters that no URL has"),
    ],
)
def test_a_backend_reaches_nothing_beside_this_board(url: str, says: str):
    with pytest.raises(TransferFailed, match=says):
        Rules().place(url)


def test_only_the_hosts_of_the_list():
    assert str(Rules(frozenset({"10.0.0.1"})).place("http://u:p@10.0.0.1/x?token=1")) == "http://10.0.0.1:80/x"
    with pytest.raises(TransferFailed, match="not among the hosts"):
        Rules(frozenset({"10.0.0.1"})).place("http://10.0.0.2/x")


def test_a_transfer_nobody_waits_for_ends(there: Path, here: Path):
    stop = Stop()
    stop.stop()
    with file_server(there) as server, pytest.raises(OSError, match=r"given up|pipe|reset"):
        get(f"http://localhost:{server.port}/firmware.bin", here / "f.firmware", stop=stop)
