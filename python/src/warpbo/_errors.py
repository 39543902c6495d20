"""The exceptions of warpbo: one base class, and one class per reason for which an operation can fail."""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "AlreadyFinishedError",
    "CancelledError",
    "ConflictError",
    "DataCorruptError",
    "Error",
    "ExhaustedError",
    "InternalError",
    "InvalidArgumentError",
    "LeaseLostError",
    "NeedMoreDataError",
    "NotFoundError",
    "NoticeWarning",
    "ReadOnlyError",
    "ResourceExhaustedError",
    "UnavailableError",
    "VersionTooNewError",
]


class Error(Exception):
    """Base of all exceptions that warpbo raises. The text names what was wrong, where, and how to fix it."""

    code: ClassVar[str] = "error"
    """The reason in snake_case, as the C++ library names it: "invalid_argument", "not_found", ..."""

    def __str__(self) -> str:
        return Exception.__str__(self)  # KeyError's would add quotes


class InvalidArgumentError(Error, ValueError):
    """An argument is wrong; the text names it, what was given and what is expected."""

    code = "invalid_argument"


class NotFoundError(Error, KeyError):
    """There is no such study, trial or parameter."""

    code = "not_found"


class AlreadyFinishedError(Error):
    """The trial has a different result already; the first one was kept."""

    code = "already_finished"


class ConflictError(Error, ValueError):
    """The stored study differs from what was asked for: another space, another direction."""

    code = "conflict"


class LeaseLostError(Error):
    """Another worker owns the trial now."""

    code = "lease_lost"


class ExhaustedError(Error):
    """Every point of a finite space was proposed."""

    code = "exhausted"


class NeedMoreDataError(Error, ValueError):
    """There is no finished trial to answer from."""

    code = "need_more_data"


class ResourceExhaustedError(Error, MemoryError):
    """Out of memory, disk space or files."""

    code = "resource_exhausted"


class DataCorruptError(Error):
    """The store's contents are damaged."""

    code = "data_corrupt"


class VersionTooNewError(Error):
    """The store was written by a newer program."""

    code = "version_too_new"


class ReadOnlyError(Error, PermissionError):
    """The store cannot be written."""

    code = "read_only"


class UnavailableError(Error, OSError):
    """A device, file or database cannot be reached."""

    code = "unavailable"


class CancelledError(Error):
    """The caller asked to stop."""

    code = "cancelled"


class InternalError(Error, RuntimeError):
    """A defect of warpbo."""

    code = "internal"


class NoticeWarning(UserWarning):
    """Something a person should know that is no error: a degraded proposal, an exhausted space, nothing but failures."""


by_code: dict[str, type[Error]] = {subclass.code: subclass for subclass in Error.__subclasses__()}
