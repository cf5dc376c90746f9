"""The world behind the plug: cars, charging electronics, fuses, meters, as machines stepped in time."""
