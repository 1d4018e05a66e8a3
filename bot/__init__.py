"""Parley: a community talks, in its own Discord channels, to its own language model on an ordinary CPU.

`__main__` puts the parts together; `conversation` is the heart, between `history`, `prompt` and `engine` on
one side and `client`, `replies` and `console` on the other.
"""

__version__ = "0.1.0"
