"""The same orders by every door of Amazon's, and by all at once: the tables must end identical.

`python -m tests.doors --orders 10000` is the long form; `test_doors` runs a short one. A door is a
generator in a module of its own, named in `doors.DOORS`.
"""
