"""The same conversations in a terminal.

- `chat`: a conversation, and a question by itself
- `screen`: shows an answer while it grows
"""
