"""A state machine that tries the product's sending against a model of Amazon, step by step.

`machine` holds the rules; `people`, `amazon`, `world` and `drivers` what they move; `oracle` what must
be true after every step, by the `rules` and `steps` of docs/sending.md; `bugs` the mistakes that it must
find. `python -m tests.model --examples 20000` is the long run.
"""
