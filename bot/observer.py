"""What the parts report of themselves to whoever measures them."""


class Observer:
    """No-op observer. Nothing that it is told names a person or a place, or says what somebody wrote."""

    def asked(self) -> None:
        """Somebody asked a question, which may still be refused."""

    def answered(self, first: float, whole: float) -> None:
        """An answer was shown: seconds from the question to its first text, and to its end."""

    def failed(self, error: BaseException) -> None:
        """A person is told of an error."""

    def used_database(self, kind: str, seconds: float) -> None:
        """The database was used, to `read` or to `write`; seconds include the wait for other users."""


NO_OBSERVER = Observer()
