"""TC_087_CS TLS - Client-side certificate - Valid certificate."""

from __future__ import annotations

import pytest
from support.octt_security import Secured
from support.strict import IDENTITY

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt security")]


def test_the_station_shows_its_certificate_and_no_password(mutual: Secured):
    link = mutual.connections("tls")[-1]
    assert (link["authorized"], link["subject"]) == (True, IDENTITY)
    assert mutual.connections()[-1]["password"] == ""
    mutual.sends("Accepted", "TriggerMessage", requestedMessage="Heartbeat")
    mutual.expect("Heartbeat")
