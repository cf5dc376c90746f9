"""Keys of pairing in a node's file: fingerprints as people copy them, and the pairing port of a server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.pairing_rig import server_file

from nodes.config_files import read_config
from park.errors import ConfigurationInvalid

DIGITS = "0123456789abcdef" * 4


def test_fingerprints_are_kept_in_one_spelling(tmp_path: Path):
    spelled = ":".join(DIGITS[n : n + 2] for n in range(0, 64, 2)).upper()
    config = read_config(server_file(tmp_path, f'fingerprints = ["{spelled}", "sha256:{DIGITS}"]'))
    assert config.pairing is not None
    assert config.pairing.fingerprints == (DIGITS, DIGITS)


def test_what_is_no_fingerprint_is_refused_with_the_way_to_get_one(tmp_path: Path):
    with pytest.raises(ConfigurationInvalid, match=r"pairing\.fingerprints.*`chargepark pair show` prints"):
        read_config(server_file(tmp_path, 'fingerprints = ["lusab-babad"]'))


def test_a_server_has_a_pairing_port_and_a_client_must_not(tmp_path: Path):
    assert read_config(server_file(tmp_path)).listeners["pairing"].host == "127.0.0.1"
    client = (Path(__file__).parents[3] / "examples" / "client.toml").read_text(encoding="utf-8")
    file = tmp_path / "client.toml"
    file.write_text(client.replace("[listen]", '[listen]\npairing = "0.0.0.0:7072"'), encoding="utf-8")
    with pytest.raises(ConfigurationInvalid, match=r"listen\.pairing: is not opened by role client"):
        read_config(file)


ADDRESSES = [
    ("10.0.0.1", "10.0.0.1:7070", "10.0.0.1:7072"),
    ("hall.example", "hall.example:7070", "hall.example:7072"),
    ("[fe80::1]", "[fe80::1]:7070", "[fe80::1]:7072"),
    ("10.0.0.1:9000", "10.0.0.1:9000", "10.0.0.1:9000"),
    ("[::1]:9000", "[::1]:9000", "[::1]:9000"),
    ("", "", ""),
]


@pytest.mark.rule("B-083")
@pytest.mark.parametrize(("written", "address", "pairing"), ADDRESSES)
def test_a_server_is_at_the_port_a_server_listens_on_unless_a_file_says_another(
    tmp_path: Path, written: str, address: str, pairing: str
):
    section = read_config(client_file(tmp_path, written)).server
    assert section is not None
    assert (section.address, section.pairing_address) == (address, pairing)


@pytest.mark.parametrize(
    ("written", "reason"), [("10.0.0.1:0", "port 0 cannot"), ("10.0.0.1:", "is no port"), ("a b", "is no host name")]
)
def test_what_is_no_address_of_a_server_is_refused(tmp_path: Path, written: str, reason: str):
    with pytest.raises(ConfigurationInvalid, match=rf"server\.address.*{reason}"):
        read_config(client_file(tmp_path, written))


def client_file(folder: Path, address: str) -> Path:
    """The file of a client whose server is there."""
    example = (Path(__file__).parents[3] / "examples" / "client.toml").read_text(encoding="utf-8")
    file = folder / "client.toml"
    lines = f'address = "{address}"\npairing_address = "{address}"'
    file.write_text(re.sub(r'(?m)^address = ""', lines, example, count=1), encoding="utf-8")
    return file
