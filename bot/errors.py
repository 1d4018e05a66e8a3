"""The base of all errors that people see."""


class UserError(Exception):
    """An error whose message is for a person: what happened, why, and what to do. Shown without a traceback."""
