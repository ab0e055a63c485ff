"""What can go wrong, as situations. Every message says where, and what to do where that is known."""


class BasinError(Exception):
    """Anything that a caller may want to catch."""


class NotFoundError(BasinError):
    """There is no such folder, sweep, run, series, figure or step."""


class AmbiguousNameError(BasinError):
    """A name fits several things equally well."""


class NotCollectedError(BasinError):
    """It isn't in this folder or store, and is to be had elsewhere: the message says where."""


class UnavailableError(BasinError):
    """A disk or a bucket doesn't let it be read: permissions, credentials, the network."""


class DamagedError(BasinError):
    """Bytes aren't those that were committed."""

    def __init__(self, path: str, why: str) -> None:
        """Of the file at `path`, with its defect."""
        super().__init__(f"{path} is damaged: {why}")
        self.path = path
        """The file, as it would be typed."""
        self.why = why
        """Its defect."""


class DamagedWarning(UserWarning):
    """A run's files are damaged, and a table goes without them: its outcome there is `unreadable`."""
