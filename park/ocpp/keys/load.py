"""Keys about currents of the whole park: the operator's limits may change, the design stands in the file."""

from __future__ import annotations

from park.ocpp.keys.key import Alias, Key, KeyGroup, Kind, Steers, fact

LARGEST_AMPERES = 6_300  # of a circuit in the file
PHASES = (1, 2, 3)


def _operator(phase: int) -> Key:
    return Key(
        f"DlmOperatorPhase{phase}Limit",
        Kind.NUMBER,
        str(LARGEST_AMPERES),
        "B-087",
        f"Amperes all charge points may take together on L{phase}; acts below the circuit's own limit only.",
        most=LARGEST_AMPERES,
        steers=Steers.LOAD,
    )


def _design(name: str, about: str, file: str) -> tuple[Key, ...]:
    return tuple(
        fact(f"{name}Phase{phase}", Kind.NUMBER, "0", "Bender's table", f"{about}, L{phase}.", file=file)
        for phase in PHASES
    )


GROUP = KeyGroup(
    "Core",
    "Load management",
    (
        *(_operator(phase) for phase in PHASES),
        Key(
            "ChargePointCurrentLimit",
            Kind.NUMBER,
            str(LARGEST_AMPERES),
            "GreenFlux's table, B-388",
            "Amperes all charge points may take together on each phase; acts below the circuit's own limit only.",
            most=LARGEST_AMPERES,
            steers=Steers.LOAD,
            aliases=(Alias("GlobalMaxCurrent"),),
        ),
        *(
            fact(
                f"DlmPhase{phase}Limit",
                Kind.NUMBER,
                "0",
                "Bender's table",
                f"Amperes of the grid connection's circuit, L{phase}.",
                file="circuit.limit_amps",
            )
            for phase in PHASES
        ),
        *_design("DlmExtLoadHeadroom", "Amperes kept free at the grid connection", "circuit.headroom_amps"),
        *_design(
            "DlmExtMeterLoadFallback",
            "Amperes of other loads while the meter of the grid connection is silent",
            "circuit.external_fallback_amps",
        ),
        fact(
            "DlmExtLoadAvgLen",
            Kind.NUMBER,
            "0",
            "B-089",
            "Seconds over which other loads are averaged before currents are raised.",
            file="circuit.external_window_seconds",
        ),
        fact(
            "DlmRecalcInterval",
            Kind.NUMBER,
            "0",
            "B-095",
            "Seconds between raises; reductions are immediate.",
            file="load.interval_seconds",
        ),
    ),
)
