from pathlib import Path

import pytest

from nodes.config_files import read_config
from park.config.quantities import Endpoint
from park.discovery.announcement import Announcement
from park.discovery.settings import DiscoverySettings, discovery_settings

EXAMPLES = Path(__file__).parents[3] / "examples"


def settings(name: str, tmp_path: Path, *replacements: tuple[str, str]) -> DiscoverySettings | None:
    text = (EXAMPLES / f"{name}.toml").read_text()
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "node.toml").write_text(text)
    return discovery_settings(read_config(tmp_path / "node.toml"))


def test_a_server_announces_where_it_listens_for_boards(tmp_path: Path):
    found = settings("server", tmp_path)
    assert found is not None
    assert found == DiscoverySettings("carpark", "server", "server", (), Endpoint("0.0.0.0", 7070))  # noqa: S104 compared, not bound
    assert found.announcement(3, "ab12", 7072) == Announcement("carpark", "server", "server", 3, 7070, "ab12", 7072)


def test_a_client_announces_the_park_it_wants_to_join(tmp_path: Path):
    found = settings("client", tmp_path)
    assert found is not None
    assert found == DiscoverySettings("carpark", "bay-a", "client")
    assert found.announcement(3).port == 0


@pytest.mark.rule("B-094")
def test_switched_off_it_is_off(tmp_path: Path):
    assert settings("single", tmp_path) is None
    assert settings("server", tmp_path, ("enabled = true", "enabled = false")) is None
