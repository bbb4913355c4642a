"""The screens of what is asked of Amazon."""
