"""What can go wrong with people's work."""

from prelabel.datasets.errors import PrelabelError


class UnknownTaskError(PrelabelError):
    """There is no task of this number."""


class NotAllowedError(PrelabelError):
    """A person asks for what is not theirs, or what the state of a task forbids."""


class LeaseLostError(PrelabelError):
    """A task is no longer this person's: somebody else has it, or it is done; edits were kept."""


class NotWaitingError(LeaseLostError):
    """A task is judged that no longer waits for a reviewer, or has another submission since."""


class UndecidedError(PrelabelError):
    """A proposal that was shown has been neither accepted nor rejected."""

    def __init__(self, message: str, box_ids: tuple[str, ...]) -> None:
        super().__init__(message)
        self.box_ids = box_ids
