"""The same conversations in a terminal.

- `chat`: a conversation, and a question by itself
- `line_input`: what a person types, in one line or several, with a history
- `files`: files that a question names
- `screen`: shows an answer while it grows
"""
