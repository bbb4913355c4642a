"""Files for buyers: what they are by their content, their names, where they are kept and for how long."""
