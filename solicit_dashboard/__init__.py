"""The Django project.

Nothing is imported here: `./run` uses modules of this package before anything is installed.
"""
