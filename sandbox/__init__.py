"""Amazon on this machine, over HTTP: for the demonstration and for the tests.

It plays Login with Amazon, Orders 2026-01-01 and v0, Solicitations v1, Messaging v1, Uploads
2020-11-01 with the storage behind it, Reports 2021-06-30, Notifications v1, Replenishment
2022-11-07 and Sellers v1 for a few invented sellers whose orders live on while the clock runs. It
knows the truth that Amazon does not tell (which orders may be asked, and what was asked), enforces
Amazon's rules and rates, misbehaves on request (`sandbox.faults`) and shows all that it received
(`GET /`).

It shares no code with `spapi`, so that a misreading of Amazon in one is seen in the other.

    python -m sandbox --port 8099            the same options as `manage.py sandbox`
    with sandbox.testing.running() as amazon: ...

How the modules build on each other, top to bottom:

    __main__  options                  the command
    testing                            the same from a test
    amazon                             one request in, one decision out
    operations  faults  record         what Amazon answers, how it misbehaves, what it received
    ledger  history  tokens  buckets   what it remembers
    world  life  catalogue  …          who sells what to whom, and when
    server  messages                   HTTP
"""
