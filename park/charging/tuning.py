"""Configuration keys that a charge point obeys from the moment they are told (OCPP 1.6 §9.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from msgspec.structs import replace

from park.charging.settings import ChargePointSettings, SampleMode, StopMode
from park.model.access import BACKEND_QUEUE, PILOT_OFF, BackendQueue, SettingChanged

Value: TypeAlias = int | bool | str | float | StopMode | SampleMode | BackendQueue

SWITCHES = {
    "StopTransactionOnEVSideDisconnect": "stop_on_ev_disconnect",
    "UnlockConnectorOnEVSideDisconnect": "unlock_on_ev_disconnect",
    "StopTransactionOnInvalidId": "stop_on_invalid_id",
    "LockIfAuthorized": "lock_if_authorized",
    "LockPermanently": "lock_permanently",
    "Operative": "operative",
    PILOT_OFF: "pilot_off",
    "ServiceRestart": "service_restart",
}
NUMBERS = {
    "ConnectionTimeOut": "plug_timeout_seconds",
    "PlugPresentTimeout": "card_timeout_seconds",
    "MeterValueSampleInterval": "sample_interval_seconds",
    "ClockAlignedDataInterval": "clock_interval_seconds",
    "ClockAlignedMeterRandomSendDelay": "clock_spread_seconds",
    "MaxEnergyOnInvalidId": "energy_on_invalid_id_wh",
    "TempDelta": "temperature_delta_c",
    "RCMBDelta": "residual_delta",
}
TEXTS = {"ServiceUID": "service_tag"}
CHOICES: Mapping[str, tuple[str, Mapping[str, Value]]] = {
    "StopTransactionModeUnplug": (
        "stop_mode",
        {
            "Normal": StopMode.NORMAL,
            "AfterUnplugging": StopMode.AFTER_UNPLUGGING,
            "CardOrRemote": StopMode.CARD_OR_REMOTE,
        },
    ),
    "StatusNotificationStrategy": ("prepares_with_both", {"Either": False, "Both": True}),
    "MeterValueSampleMode": ("sample_mode", {mode.value: mode for mode in SampleMode}),
    BACKEND_QUEUE: ("backend_queue", {word.value: word for word in BackendQueue}),
}
_MILLI = 1000


def with_changed(settings: ChargePointSettings, change: SettingChanged) -> ChargePointSettings:
    """Settings with one key changed; unchanged for other keys and values out of range."""
    name, value = change.name, change.value
    if isinstance(value, str) and name in TEXTS:
        return replace(settings, **{TEXTS[name]: value})
    if isinstance(value, str):
        attribute, words = CHOICES.get(name, ("", {}))
        return replace(settings, **{attribute: words[value]}) if value in words else settings
    if isinstance(value, bool):
        if name == "PauseChargingStateD":
            return replace(settings, accept_state_d=not value)
        return replace(settings, **{SWITCHES[name]: value}) if name in SWITCHES else settings
    if value < 0:
        return settings
    if name == "OperatorCurrentLimit":
        return replace(settings, operator_ma=value * _MILLI)
    return replace(settings, **{NUMBERS[name]: value}) if name in NUMBERS else settings
