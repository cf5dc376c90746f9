"""What is left to do for a charge point whose controller gave up: safe state, Faulted, and a word to everybody."""

from __future__ import annotations

from park.charging.report import ChargePointReported, ReportedFault
from park.charging.settings import ChargePointSettings
from park.charging.state import Effect
from park.model.access import ConnectorStatus, ConnectorStatusChanged, OccupancyChanged
from park.model.demand import DemandChanged
from park.model.evse import EvseReported, PilotOutput, SetContactor, Signal
from park.model.time import Now

CODE = "ControllerGaveUp"
CAUSE = "the controller of this charge point failed again and again and was stopped"
REMEDY = "read the crashes in the log, report them, and restart the node; the session is kept and ends or goes on then"
STANDING_SECONDS = 86_400.0  # nothing is offered, so nothing has to lapse
FINAL_TOKEN = 2**31 - 1  # no incarnation that came this far has counted so high


def farewell(settings: ChargePointSettings, now: Now) -> tuple[Effect, ...]:
    """State F and an open contactor (B-250, unrecoverable); the facts on disk stay as they are."""
    return (
        *_orders(settings, now),
        DemandChanged(
            settings.name,
            wants=False,
            phases_used=settings.phases,
            minimum_ma=settings.minimum_ma,
            maximum_ma=settings.maximum_ma,
            drawing=False,
            since=now.mono,
        ),
        OccupancyChanged(
            settings.name,
            settings.connector,
            plugged_since=None,
            waiting_for_card=False,
            session_tag=None,
            charging=False,
            available=False,
        ),
        ConnectorStatusChanged(settings.connector, ConnectorStatus.FAULTED, "InternalError", CODE, now.wall),
        _report(settings, now),
    )


def orders_again(settings: ChargePointSettings, report: EvseReported, now: Now) -> tuple[Signal | SetContactor, ...]:
    """For electronics that were away at the farewell, or began anew since; nothing for those that obey it."""
    obeyed = report.output is PilotOutput.FAULT and not report.contactor_closed
    return () if obeyed else _orders(settings, now)


def _orders(settings: ChargePointSettings, now: Now) -> tuple[Signal, SetContactor]:
    until = now.mono + STANDING_SECONDS
    return (
        Signal(settings.name, PilotOutput.FAULT, 0, (), STANDING_SECONDS, 0, FINAL_TOKEN, until),
        SetContactor(settings.name, closed=False),
    )


def _report(settings: ChargePointSettings, now: Now) -> ChargePointReported:
    return ChargePointReported(
        name=settings.name,
        node=settings.node,
        connector=settings.connector,
        circuit=settings.circuit,
        state=None,
        ocpp_status=ConnectorStatus.FAULTED,
        grant=None,
        signalled_ma=None,
        measured_ma=None,
        fallback_ma=settings.fallback_ma,
        energy_wh=None,
        session=None,
        faults=(ReportedFault(CODE, now.wall, CAUSE, REMEDY),),
        contactor_closed=None,
        lock_closed=None,
        cable_ma=None,
        plugged_since=None,
        charging_since=None,
        charging_seconds=0.0,
        refused_grant=None,
    )
