"""Subscribe & Save: a seller's offers, asked live from Amazon; nothing of them is kept."""
