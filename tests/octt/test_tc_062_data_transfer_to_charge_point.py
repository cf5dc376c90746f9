"""TC_062_CS Data Transfer to a Charge Point."""

from __future__ import annotations

import pytest
from support.octt import Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]


def test_what_nobody_here_understands(case: Case):
    case.sends("UnknownVendorId", "DataTransfer", vendorId="nobody.example", messageId="hello", data="x")
    vendor = case.value("vendorId")
    case.sends("UnknownMessageId", "DataTransfer", vendorId=vendor, messageId="NoSuchMessage", data="x")
    case.never("StopTransaction")
