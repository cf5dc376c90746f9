"""Diagnostics, firmware, certificates and the connection itself: what is beside charging."""

from __future__ import annotations

from park.ocpp import certificates, maintaining, updating, uploading
from park.ocpp.connection import CONNECTION
from park.ocpp.features.feature import Feature
from park.ocpp.notifications import NOTIFICATIONS
from park.ocpp.uploads import MAINTENANCE

FEATURE = Feature(
    {
        "GetDiagnostics": uploading.get_diagnostics,
        "GetLog": uploading.get_log,
        "SignedUpdateFirmware": updating.signed_update_firmware,
        "UpdateFirmware": updating.update_firmware,
        **dict.fromkeys(certificates.ACTIONS, certificates.asked),
    },
    tables=(CONNECTION, MAINTENANCE, NOTIFICATIONS),
    load=maintaining.begin,
    settle=maintaining.attend,
    deadline=maintaining.deadline,
)
