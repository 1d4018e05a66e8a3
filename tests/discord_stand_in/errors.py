"""Discord's error responses, with the status and code from its published table."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """A request that Discord refuses: HTTP status, error code and message."""

    def __init__(self, status: int, code: int, message: str, errors: dict[str, Any] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.body: dict[str, Any] = {"code": code, "message": message}
        if errors:
            self.body["errors"] = errors


class NotPossible(AssertionError):
    """A test has a person do what Discord's own client would not let them do."""


def invalid(path: str, code: str, message: str) -> Refused:
    """A body refused for the value at `path` (dotted), in Discord's nested form."""
    errors: dict[str, Any] = {"_errors": [{"code": code, "message": message}]}
    for key in reversed(path.split(".")):
        errors = {key: errors}
    return Refused(400, 50035, "Invalid Form Body", errors)


def unauthorized() -> Refused:
    return Refused(401, 0, "401: Unauthorized")


def no_such_route() -> Refused:
    return Refused(404, 0, "404: Not Found")


def unknown(what: str) -> Refused:
    """There is no such object, or the bot may not see it."""
    code = {"Channel": 10003, "Guild": 10004, "Member": 10007, "Message": 10008, "User": 10013}[what]
    return Refused(404, code, f"Unknown {what}")


def unknown_webhook() -> Refused:
    return Refused(404, 10015, "Unknown Webhook")


def unknown_interaction() -> Refused:
    return Refused(404, 10062, "Unknown interaction")


def already_acknowledged() -> Refused:
    return Refused(400, 40060, "Interaction has already been acknowledged.")


def token_expired() -> Refused:
    return Refused(401, 50027, "Invalid Webhook Token")


def missing_access() -> Refused:
    return Refused(403, 50001, "Missing Access")


def missing_permissions() -> Refused:
    return Refused(403, 50013, "Missing Permissions")


def not_the_author() -> Refused:
    return Refused(403, 50005, "Cannot edit a message authored by another user")


def cannot_direct_message() -> Refused:
    return Refused(403, 50007, "Cannot send messages to this user")


def not_in_direct_messages() -> Refused:
    return Refused(403, 50003, "Cannot execute action on a DM channel")


def empty_message() -> Refused:
    return Refused(400, 50006, "Cannot send an empty message")


def blocked_by_automod() -> Refused:
    return Refused(400, 200000, "Message was blocked by automatic moderation")


def title_blocked_by_automod() -> Refused:
    return Refused(400, 200001, "Title was blocked by automatic moderation")


def reply_needs_history() -> Refused:
    return Refused(400, 160002, "You cannot reply without permission to read message history")


def thread_archived() -> Refused:
    return Refused(400, 50083, "Thread is archived")


def thread_locked() -> Refused:
    return Refused(403, 160005, "Thread is locked")
