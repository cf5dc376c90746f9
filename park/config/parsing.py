"""Text of a configuration file to `NodeConfig`, or every mistake in it at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from typing import cast

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
        try:
            rest = NodeConfig.model_validate(_without(document, (error["loc"] for error in errors)))
            return None, findings + check(rest, document)
        except ValidationError:  # what is left is not a whole configuration
            return None, findings
    return config, check(config, document)


def _document(text: str, source: str) -> Document:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        place = _PLACE.search(str(wrong))
        where = place[1] if place else "somewhere"
        reason = _PLACE.sub("", str(wrong))
        raise ConfigurationInvalid((f"{source}: {where}: {reason}; correct the TOML syntax there",)) from None
    except (RecursionError, ValueError) as wrong:  # brackets a thousand deep, numbers of thousands of digits
        raise ConfigurationInvalid((f"{source}: not readable as TOML ({wrong}); write it anew",)) from None


def _without(document: Document, paths: Iterable[Path]) -> Document:
    """The document without the tables that hold a mistake (the one table of a list, or the whole top-level key)."""
    dropped: dict[str, set[int] | None] = {}
    for path in paths:
        key = str(path[0])
        position = path[1] if len(path) > 1 else None
        known = dropped.setdefault(key, set())
        if not isinstance(position, int) or known is None:
            dropped[key] = None
        else:
            known.add(position)
    kept = {key: value for key, value in document.items() if key not in dropped}
    for key, positions in dropped.items():
        tables = document.get(key)
        if positions is not None and isinstance(tables, list):
            kept[key] = [table for place, table in enumerate(cast("list[object]", tables)) if place not in positions]
    return kept
