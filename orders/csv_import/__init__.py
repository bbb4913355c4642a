"""Orders, order numbers and exclusions that a person brings as CSV: looked at first, then taken in.

`text` makes text of bytes, `table` rows of text, `columns` and `checking` values and faults of rows,
`plans` says what would happen, `carry_out` does it. Nothing of the file is kept but what those say.
"""
