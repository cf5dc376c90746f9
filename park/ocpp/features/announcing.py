"""Who in the park hears of a key's value: charge points, each its own; the authorizer; load management; the link."""

from __future__ import annotations

from park.model.access import SettingChanged
from park.model.limit import Limit, LimitKind
from park.model.standing_limits import HoldLimits
from park.ocpp import availability, keys
from park.ocpp.effects import CentralSystemEffect, SettingsRepeated, TellAuthorizer
from park.ocpp.keys import Key, Kind, Scope, Steers
from park.ocpp.keys.load import LARGEST_AMPERES, PHASES
from park.ocpp.link import KeepAlive
from park.ocpp.state import CentralSystem

OPERATOR = "configuration key"  # the source, in reasons
_POINT_KEYS = tuple(key for key in keys.KEYS if key.steers is Steers.POINT)


def changed(state: CentralSystem, key: Key) -> tuple[CentralSystemEffect, ...]:
    """One key has another value."""
    match key.steers:
        case Steers.POINT:
            return _to_points(state, (key,))
        case Steers.AUTHORIZATION:
            return _to_authorizer(state, key)
        case Steers.LOAD:
            return _operator_limit(state)
        case Steers.AVAILABILITY:
            return availability.for_all(state)
        case Steers.LINK:
            return (_keep_alive(state),)
        case Steers.OCPP | Steers.FACT:
            return ()


def everything(state: CentralSystem) -> tuple[CentralSystemEffect, ...]:
    """Every value in force, defaults included."""
    return (*_to_points(state, _POINT_KEYS), *for_authorizer(state), *_operator_limit(state), _keep_alive(state))


def for_authorizer(state: CentralSystem) -> tuple[CentralSystemEffect, ...]:
    mine = (key for key in keys.KEYS if key.steers is Steers.AUTHORIZATION)
    return tuple(effect for key in mine for effect in _to_authorizer(state, key))


def _to_authorizer(state: CentralSystem, key: Key) -> tuple[TellAuthorizer, ...]:
    """Of keys that differ each connector's value, as `Key[7]`."""
    if key.scope is Scope.PARK:
        return (TellAuthorizer(_change(key, state.values.text(key.name))),)
    values, places = state.values, state.settings.places
    each = ((number, values.text_at(key.name, *places(number))) for number in state.settings.connectors)
    return tuple(TellAuthorizer(SettingChanged(f"{key.name}[{number}]", text)) for number, text in each)


def for_point(state: CentralSystem, point: str) -> tuple[CentralSystemEffect, ...]:
    """What holds at one charge point, for one that began anew."""
    places = next(
        (state.settings.places(number) for number, name in state.settings.points.items() if name == point), ()
    )
    return (SettingsRepeated(point, _at(state, _POINT_KEYS, places)),)


def _to_points(state: CentralSystem, wanted: tuple[Key, ...]) -> tuple[CentralSystemEffect, ...]:
    points = state.settings.points
    single = tuple(key for key in wanted if points and state.values.differs(key.name))
    common = tuple(_change(key, state.values.text(key.name)) for key in wanted if key not in single)
    if not single:
        return common
    each = (
        SettingsRepeated(name, _at(state, single, state.settings.places(number))) for number, name in points.items()
    )
    return (*common, *each)


def _at(state: CentralSystem, wanted: tuple[Key, ...], places: tuple[str, ...]) -> tuple[SettingChanged, ...]:
    return tuple(_change(key, state.values.text_at(key.name, *places)) for key in wanted)


def _change(key: Key, text: str) -> SettingChanged:
    match key.kind:
        case Kind.NUMBER:
            return SettingChanged(key.name, int(text))
        case Kind.SWITCH:
            return SettingChanged(key.name, text == "true")
        case Kind.CHOICE | Kind.TEXT | Kind.LIST:
            return SettingChanged(key.name, text)


def _operator_limit(state: CentralSystem) -> tuple[CentralSystemEffect, ...]:
    """The operator's amperes on the circuit all charge points hang on; none while every key says the most."""
    circuit, values = state.settings.circuit, state.values
    if not circuit:
        return ()
    together = values.number("ChargePointCurrentLimit")
    first, second, third = (min(together, values.number(f"DlmOperatorPhase{phase}Limit")) for phase in PHASES)
    free = min(first, second, third) >= LARGEST_AMPERES
    limit = None if free else (first * 1000, second * 1000, third * 1000)
    limits = () if limit is None else (Limit(circuit, LimitKind.OPERATOR, OPERATOR, limit),)
    return (HoldLimits(LimitKind.OPERATOR, limits, OPERATOR),)


def _keep_alive(state: CentralSystem) -> KeepAlive:
    return KeepAlive(state.values.number("WebSocketPingInterval"), state.values.number("WebSocketPingTimeout"))
