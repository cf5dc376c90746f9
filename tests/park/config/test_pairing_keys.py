"""Keys of pairing in a node's file: fingerprints as people copy them, and the pairing port of a server."""

from __future__ import annotations

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
