"""Parley: a Discord bot that lets a community talk to its own language model, on an ordinary CPU.

`cli` is the command line and `app` builds the parts. Each room's docstring lists its files.
"""

__version__ = "0.1.0"
