"""One station a worker for all cases; each case begins with it free and leaves it so."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from support.octt import Case
from support.octt_security import BASIC, MUTUAL, TLS, Secured, secured
from support.octt_station import Station, restore, station


@pytest.fixture(scope="session")
def station_under_test(tmp_path_factory: pytest.TempPathFactory) -> Generator[Station]:
    with station(tmp_path_factory.mktemp("octt")) as made:
        yield made


@pytest.fixture
def outlet() -> str:
    """How the outlet of the case is built, where the case does not depend on it."""
    return "socket"


@pytest.fixture
def case(station_under_test: Station, outlet: str) -> Generator[Case]:
    """A case at a free connector; afterwards every frame of it was by the schemas, and all is as before."""
    made = station_under_test.case(outlet)
    yield made
    try:
        assert made.tool.complaints(made.since) == []
    finally:
        restore(made)


@pytest.fixture(scope="session")
def password_station(tmp_path_factory: pytest.TempPathFactory) -> Generator[Secured]:
    """At security profile 2."""
    with secured(tmp_path_factory.mktemp("secured"), TLS) as made:
        yield made


@pytest.fixture(scope="session")
def certificate_station(tmp_path_factory: pytest.TempPathFactory) -> Generator[Secured]:
    """At security profile 3."""
    with secured(tmp_path_factory.mktemp("mutual"), MUTUAL) as made:
        yield made


@pytest.fixture
def basic(tmp_path: Path) -> Generator[Secured]:
    """A case at security profile 1, with a station of its own."""
    with secured(tmp_path, BASIC) as made:
        yield made


@pytest.fixture
def tls(password_station: Secured) -> Secured:
    """A case at security profile 2."""
    return password_station.afresh()


@pytest.fixture
def mutual(certificate_station: Secured) -> Secured:
    """A case at security profile 3."""
    return certificate_station.afresh()
