"""Which tests are asked about a bug in which file, the nearest and cheapest first."""

from __future__ import annotations

FOLDER = "tests/park/load"
WORLDS = ("test_traps.py", "test_coordinator.py", "test_reaction_times.py", "test_promises.py")
"""Short days on simulated boards: what is counted and raised wrongly breaks a promise there."""
SHARING = ("test_allocate.py", "test_admission.py", "test_rotation.py")
NESTED = ("test_nested_lives.py", "test_nested.py")
ALL = (*WORLDS, *SHARING, "test_external.py", "test_limits.py", "test_switching.py")
NEAREST = {
    "committed.py": ("test_committed.py", "test_told.py", *WORLDS),
    "lease.py": ("test_committed.py", *WORLDS),
    "hold.py": ("test_hold.py", "test_external.py", "test_coordinator.py"),
    "external.py": ("test_external.py", *WORLDS),
    "told.py": ("test_told.py", "test_startup.py"),
    "startup.py": ("test_startup.py", "test_traps.py"),
    "rotation.py": ("test_rotation.py",),
    "admission.py": SHARING,
    "allocate.py": ("test_allocate.py", "test_admission.py"),
    "fair/rounding.py": ("fair/test_rounding.py", "test_admission.py", "fair/test_filling.py"),
    "subordinate.py": NESTED,
    "budget.py": ("test_budget.py", *NESTED),
    "tenure.py": ("test_tenure.py", *NESTED),
    "switching.py": ("test_switching.py",),
    "raising.py": ("test_raising.py", *WORLDS, "test_rotation.py"),
}
ELSEWHERE = {
    "park/charging/lease.py": ("tests/park/charging/test_grants.py", "tests/park/charging"),
    "park/charging/phases_in_use.py": ("tests/park/charging/test_phases_in_use.py",),
}


def checkers_for(file: str) -> list[str]:
    """Tests of load management for a bug in this file."""
    if file in ELSEWHERE:
        return list(ELSEWHERE[file])
    names = NEAREST.get(file.removeprefix("park/load/"), ALL)
    return [f"{FOLDER}/{name}" for name in names]
