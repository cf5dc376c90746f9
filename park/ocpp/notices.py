"""Which notices of a connector's state are told (B-034, B-035): errors by one switch, energy and heat by another."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from park.model.access import RESIDUAL, TEMPERATURE, ConnectorStatus, ConnectorStatusChanged
from park.ocpp.keys import KeyValues
from park.ocpp.statuses import NO_ERROR

MEASURED = (TEMPERATURE, RESIDUAL)  # infos of connectors that tell nothing else
FLOWS, FLOWS_NOT = "Energy is flowing to vehicle", "No energy flowing to vehicle"
FLOW: Mapping[ConnectorStatus, str] = {
    ConnectorStatus.CHARGING: FLOWS,
    ConnectorStatus.SUSPENDED_EV: FLOWS_NOT,
    ConnectorStatus.SUSPENDED_EVSE: FLOWS_NOT,
    ConnectorStatus.FINISHING: FLOWS_NOT,
}


def noticed(changed: ConnectorStatusChanged, values: KeyValues) -> ConnectorStatusChanged:
    """The status as it is told. A notice of energy never carries error data; Faulted always says why."""
    if changed.error_code != NO_ERROR:
        if values.switch("ErrorStatusNotifications") or changed.status is ConnectorStatus.FAULTED:
            return changed
        changed = replace(changed, error_code=NO_ERROR, info="", vendor_code="")
    if not values.switch("InfoStatusNotifications"):
        return replace(changed, info="") if changed.info.startswith(MEASURED) else changed
    return changed if changed.info else replace(changed, info=FLOW.get(changed.status, ""))
