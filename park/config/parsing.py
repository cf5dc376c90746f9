"""Text of a configuration file to `NodeConfig`, or every mistake in it at once."""

from __future__ import annotations

import re
import tomllib
from typing import cast

from msgspec.structs import replace
from pydantic import ValidationError

from park.config.checks import check
from park.config.findings import Document, Finding, explained
from park.config.node_config import NodeConfig
from park.config.schema import Path
from park.errors import ConfigurationInvalid

_PLACE = re.compile(r" \(at (line \d+, column \d+|end of document)\)$")


def parse(text: str, source: str) -> NodeConfig:
    """The configuration in a TOML text; `source` names the file in findings. Raises `ConfigurationInvalid`."""
    document = _document(text, source)
    config, findings = examined(document)
    if config is None or findings:
        raise ConfigurationInvalid(tuple(finding.text(source, document) for finding in findings))
    return config


def examined(document: Document) -> tuple[NodeConfig | None, tuple[Finding, ...]]:
    """The configuration, if it can be one at all, and all that is wrong with it.

    What is wrong within a table does not hide what is wrong between the others: they are checked without it.
    """
    try:
        config = NodeConfig.model_validate(document)
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False)
        findings = tuple(explained(error, NodeConfig) for error in errors)
        return None, findings + _beyond(document, [error["loc"] for error in errors])
    return config, check(config, document)


def _beyond(document: Document, mistaken: list[Path]) -> tuple[Finding, ...]:
    """What is wrong between the tables that hold no mistake: without those of lists, and other keys as a whole."""
    places = {path[:2] for path in mistaken if len(path) > 1 and isinstance(path[1], int)}
    whole = {path[:1] for path in mistaken if path[:2] not in places}
    rest: dict[str, object] = {}
    kept: dict[str, list[int]] = {}
    for key, value in document.items():
        if (key,) in whole:
            continue
        rest[key] = value
        if isinstance(value, list):
            tables = cast("list[object]", value)
            kept[key] = [place for place in range(len(tables)) if (key, place) not in places]
            rest[key] = [tables[place] for place in kept[key]]
    try:
        config = NodeConfig.model_validate(rest)
    except ValidationError:  # what is left is no configuration: the mistakes were in [node]
        return ()
    return tuple(_in_file(finding, kept) for finding in check(config, document))


def _in_file(finding: Finding, kept: dict[str, list[int]]) -> Finding:
    """With the position a table has in the file, not among the tables without mistakes."""
    match finding.path:
        case (str() as key, int() as place, *rest) if key in kept:
            return replace(finding, path=(key, kept[key][place], *rest))
        case _:
            return finding


def _document(text: str, source: str) -> Document:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        place = _PLACE.search(str(wrong))
        where = place[1] if place and place[1].startswith("line") else f"line {text.count(chr(10)) + 1}, its end"
        reason = _PLACE.sub("", str(wrong))
        raise ConfigurationInvalid((f"{source}: {where}: {reason}; correct the TOML syntax there",)) from None
    except (RecursionError, ValueError) as wrong:  # brackets a thousand deep, numbers of thousands of digits
        raise ConfigurationInvalid((f"{source}: not readable as TOML ({wrong}); write it anew",)) from None
