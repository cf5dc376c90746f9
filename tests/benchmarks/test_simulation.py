from benchmarks import simulation


def test_a_night_and_a_morning_are_simulated():
    night, morning = simulation.run(0.02)
    assert (night.what, morning.what) == ("night", "busy morning")
    assert night.seconds == morning.seconds == 972.0
    assert night.readings >= 13 * 900
    assert all(row.speed > 1 and row.messages > row.readings for row in (night, morning))


def test_the_table_tells_speed_and_readings():
    table = simulation.report(quick=True)
    assert table.columns[1:3] == ("× real time", "meter readings")
    assert len(table.rows) == 2
