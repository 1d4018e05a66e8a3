"""The one kind of error that people see."""


class UserError(Exception):
    """Its text is for a person: what happened, why, and what to do. It is never shown with a traceback."""
