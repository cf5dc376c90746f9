"""The configuration reference says something of every key."""

from __future__ import annotations

from collections.abc import Iterator

from park.config.node_config import NodeConfig
from park.config.quantities import Section
from park.config.schema import about, section_of
from tools.gen_config_reference import render


def keys(section: type[Section]) -> Iterator[tuple[type[Section], str]]:
    for key, field in section.model_fields.items():
        inner = section_of(field.annotation)
        if inner is None or section is not NodeConfig:
            yield section, key
        if inner is not None:
            yield from keys(inner)


def test_every_key_is_described_with_its_source():
    page = render()
    for section, key in keys(NodeConfig):
        said = about(section.model_fields[key])
        assert said.text.endswith("."), f"{section.__name__}.{key}"
        assert said.source
        assert f"| `{key}` |" in page


def test_ranges_units_and_defaults_are_on_the_page():
    page = render()
    assert "| `min_amps` | number 6 to 80 A | `6` |" in page
    assert "| `limit_amps` | list of 3 numbers more than 0 to 6300 A | required |" in page
    assert '| `mode` | `free`, `whitelist`, `backend` | `"whitelist"` |' in page
