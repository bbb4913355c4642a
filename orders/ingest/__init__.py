"""How orders come in: one door, one upsert."""
