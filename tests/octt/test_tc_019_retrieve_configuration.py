"""TC_019_CS Retrieve Configuration."""

from __future__ import annotations

import pytest
from support.octt import Case

pytestmark = [pytest.mark.peer("ocpp-rpc"), pytest.mark.xdist_group("octt core")]

REQUIRED = {
    "AuthorizeRemoteTxRequests",
    "ClockAlignedDataInterval",
    "ConnectionTimeOut",
    "ConnectorPhaseRotation",
    "GetConfigurationMaxKeys",
    "HeartbeatInterval",
    "LocalAuthorizeOffline",
    "LocalPreAuthorize",
    "MeterValuesAlignedData",
    "MeterValuesSampledData",
    "MeterValueSampleInterval",
    "NumberOfConnectors",
    "ResetRetries",
    "StopTransactionOnEVSideDisconnect",
    "StopTransactionOnInvalidId",
    "StopTxnAlignedData",
    "StopTxnSampledData",
    "SupportedFeatureProfiles",
    "TransactionMessageAttempts",
    "TransactionMessageRetryInterval",
    "UnlockConnectorOnEVSideDisconnect",
}  # OCPP 1.6 §9.1


def test_all_keys_and_one(case: Case):
    everything = case.send("GetConfiguration")
    listed = {each["key"]: each for each in everything["configurationKey"]}
    assert set(listed) >= REQUIRED
    assert "unknownKey" not in everything
    assert listed["NumberOfConnectors"]["readonly"] is True
    one = case.send("GetConfiguration", key=["SupportedFeatureProfiles"])
    assert one["configurationKey"] == [listed["SupportedFeatureProfiles"]]
    assert "unknownKey" not in one
