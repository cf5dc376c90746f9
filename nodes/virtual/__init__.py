"""The bench: a process of its own that stands in for cars, charging electronics, card readers and Modbus meters."""
