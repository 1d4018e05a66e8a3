"""The same conversations in a terminal.

- `chat`: a conversation, and a question by itself
- `line_input`: what a person types, in one line or several, with a history
- `screen`: shows an answer while it grows
"""
