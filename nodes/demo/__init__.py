"""The demo: a whole park on one machine, a process for each part, and a story that is told to it."""
