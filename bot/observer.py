"""What happens in the parts, told to whoever watches."""


class Observer:
    """Hears of it, and does nothing. Nobody tells it what people wrote, or who or where they are."""

    def asked(self) -> None:
        """Somebody asks something; they may still be refused."""

    def answered(self, first: float, whole: float) -> None:
        """An answer is over: the seconds from the question to its first text, and until all of it was shown."""

    def failed(self, error: BaseException) -> None:
        """A person is told of an error."""

    def used_database(self, kind: str, seconds: float) -> None:
        """The database was used, to `read` or to `write`; the seconds include the wait for others."""


NO_OBSERVER = Observer()
