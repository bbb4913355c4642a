"""The fault rig: real processes that are killed, cut off and lied to, and what must hold all the same.

`python -m tests.faults --help` runs it; `docs/reliability.md` is what it writes.
"""
