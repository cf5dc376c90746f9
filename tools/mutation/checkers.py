"""Which tests are asked about a bug in which file, the cheapest and nearest first."""

from __future__ import annotations

NEAREST = {
    "park/load/committed.py": ("test_committed.py",),
    "park/load/lease.py": ("test_committed.py",),
    "park/load/hold.py": ("test_external.py",),
    "park/load/external.py": ("test_external.py",),
    "park/load/told.py": ("test_told.py",),
    "park/load/startup.py": ("test_startup.py",),
    "park/load/rotation.py": ("test_rotation.py",),
    "park/load/admission.py": ("test_admission.py",),
    "park/load/allocate.py": ("test_allocate.py", "test_admission.py"),
    "park/load/fair/rounding.py": ("test_admission.py", "fair"),
}
ALL = (
    "test_committed.py",
    "test_allocate.py",
    "test_traps.py",
    "test_raising.py",
    "test_coordinator.py",
    "test_external.py",
    "test_reaction_times.py",
    "test_told.py",
    "test_startup.py",
    "test_admission.py",
    "test_rotation.py",
    "test_limits.py",
    "test_promises.py",
    "fair",
)
ELSEWHERE = {"park/charging/lease.py": ("tests/park/charging/test_grants.py", "tests/park/charging")}
FOLDER = "tests/park/load"
LOAD = ("park/load/", "park/model/")  # what is tested there


def checkers_for(file: str) -> list[str]:
    """Tests of load management for a bug in this file. Those without whom nothing is noticed come first."""
    if file in ELSEWHERE:
        return list(ELSEWHERE[file])
    if not file.startswith(LOAD):
        return [f"tests/{file.rpartition('/')[0]}"]
    ordered = dict.fromkeys((*NEAREST.get(file, ()), *ALL))
    return [f"{FOLDER}/{name}" for name in ordered]
