"""What can go wrong, as exceptions."""

from __future__ import annotations


class RiffleError(Exception):
    """An error that Riffle tells of; `code` is that of riffle/c.h."""

    code: int = 70


class UsageError(RiffleError, ValueError):
    """The request makes no sense: an unknown name, a setting out of range, arrays of other shapes."""

    code = 64


class DataError(RiffleError, ValueError):
    """Something was read, and its content is not valid."""

    code = 65


class NoInputError(RiffleError, FileNotFoundError):
    """A file does not exist or cannot be read."""

    code = 66


class CannotCreateError(RiffleError, OSError):
    """A file cannot be created."""

    code = 73


class InputOutputError(RiffleError, OSError):
    """Reading or writing failed half way."""

    code = 74


class CallbackError(RiffleError, RuntimeError):
    """A target's callback said that it cannot go on."""

    code = 76


class Cancelled(RiffleError):
    """A fit was ended before there was anything to report."""

    code = 130


class NotInstalledError(RiffleError, ImportError):
    """A package that this needs is not installed."""

    code = 64


_by_code: dict[int, type[RiffleError]] = {
    error.code: error
    for error in (
        UsageError,
        DataError,
        NoInputError,
        CannotCreateError,
        InputOutputError,
        CallbackError,
        Cancelled,
    )
}


def error_of(code: int, message: str) -> Exception:
    """The exception for a code of riffle/c.h."""
    if code == 71:
        return MemoryError(message)
    error = _by_code.get(code, RiffleError)(message)
    error.code = code
    return error


def needs(package: str, what: str) -> NotInstalledError:
    """The error where `what` needs a package that is not there."""
    return NotInstalledError(f"{what} needs the package {package}: pip install {package}")
