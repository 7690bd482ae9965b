"""The root of every error that Wardline raises on purpose."""


class WardlineError(Exception):
    """Something named went wrong: the message says what, where, and what to do next."""

    status: int = 500
    code: str = "internal"


class Refused(WardlineError):
    """The caller asked for something that is not acceptable as it stands."""

    status = 422
    code = "refused"


class WrongUsage(Refused):
    """A command was called with arguments that it cannot take; the command line ends with 64."""

    code = "wrong_usage"


class Malformed(Refused):
    """Bytes that do not have the form they claim; `where` is a path such as `results[2].check`."""

    code = "malformed"

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")
        self.where = where
        self.why = why


class NotFound(WardlineError):
    """No such thing, or none that this caller may see."""

    status = 404
    code = "not_found"


class Conflict(WardlineError):
    """The thing is not in the state that the request assumed."""

    status = 409
    code = "conflict"
