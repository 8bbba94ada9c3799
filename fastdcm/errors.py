"""Every error that fastdcm raises on purpose.

::

    FastdcmError                 base; carries path, frame (from 1)
    ├── SourceError              the input cannot be opened or read
    │   ├── ArchiveError         ... because the archive that holds it is damaged, or encrypted
    │   └── WebError             a server refuses, fails, or gives something else than was asked for
    ├── NotDicomError            the input is no DICOM file
    ├── NoPixelDataError         a DICOM object without pixels (SR, PDF, DICOMDIR, ...)
    ├── DicomError               the data set is damaged or contradicts itself
    │   └── TruncatedError       bytes that the file declares are missing
    ├── UnsupportedError         legal DICOM that fastdcm does not do; the message names it
    ├── CodestreamError          compressed data that is damaged, cut, or unlike its header
    │   └── DecodeError          a decoder refused the data
    ├── BurnedInError            text may be burned into the pixels, and such images were to be refused
    ├── OptionError              an option that makes no sense (also a ValueError)
    ├── RenderError              this image cannot be rendered as asked
    ├── EncodeError              the output format cannot hold this image
    ├── OutputError              an output cannot be written
    │   ├── CollisionError       ... because another input of the run has its name
    │   └── TargetError          ... because its place is full or read-only, so that none can
    ├── VolumeError              images that make no volume, or a segmentation of another geometry
    ├── StrictError              a notice, where notices were asked to be errors
    └── WorkerError              a worker process failed
        ├── WorkerCrashError     ... ended by itself or was killed
        └── WorkerTimeoutError   ... did not finish a frame within its time limit

The path and the frame are attached once, by ``fastdcm.pipeline``; steps below it raise with the
cause alone.
"""

from __future__ import annotations

import errno
from typing import Self


class FastdcmError(Exception):
    """Base of all errors; ``str()`` gives path, frame and cause.

    ``path`` is the input's path or None; ``frame`` counts from 1, None where no frame is meant.
    """

    def __init__(self, message: str, *, path: str | None = None, frame: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.frame = frame

    def at(self, *, path: str | None = None, frame: int | None = None) -> Self:
        """Fill in where it happened, keeping what is known already; returns the error itself."""
        self.path = self.path if self.path is not None else path
        self.frame = self.frame if self.frame is not None else frame
        return self

    def __str__(self) -> str:
        place = [] if self.path is None else [self.path]
        if self.frame is not None:
            place.append(f"frame {self.frame}")
        return ": ".join([*place, self.message])


class SourceError(FastdcmError):
    """The input cannot be opened or read."""


class ArchiveError(SourceError):
    """An archive, or what is to be a member of it, is damaged, cut, encrypted, or exceeds a limit."""


class WebError(SourceError):
    """A server refuses, fails, cannot be reached, or gives something else than was asked for.

    ``status`` is the status code of its answer (RFC 9110), None where there was none.
    """

    def __init__(
        self, message: str, *, status: int | None = None, path: str | None = None, frame: int | None = None
    ) -> None:
        super().__init__(message, path=path, frame=frame)
        self.status = status


class NotDicomError(FastdcmError):
    """The input is no DICOM file."""


class NoPixelDataError(FastdcmError):
    """A DICOM object that has no pixel data."""


class DicomError(FastdcmError):
    """The data set is damaged or contradicts itself."""


class TruncatedError(DicomError):
    """Bytes that the file declares are missing."""


class UnsupportedError(FastdcmError):
    """Legal DICOM that fastdcm does not do; the message names the feature."""


class CodestreamError(FastdcmError):
    """Compressed data that is damaged, cut, or contradicts the data set."""


class DecodeError(CodestreamError):
    """A decoder refused the data."""


class BurnedInError(FastdcmError):
    """Text may be burned into the pixels, and ``refuse_burned_in`` was asked for."""


class OptionError(FastdcmError, ValueError):
    """An option that makes no sense."""


class RenderError(FastdcmError):
    """This image cannot be rendered as asked."""


class EncodeError(FastdcmError):
    """The output format cannot hold this image."""


class OutputError(FastdcmError):
    """An output cannot be written."""


class CollisionError(OutputError):
    """An output would have the name of that of another input of the same run."""


class TargetError(OutputError):
    """The place of an output is full, beyond its quota, or read-only: others would meet the same.

    ``reason`` is that alone, as the system has it.
    """

    reason = ""


#: What no other output of the same place would be spared.
_OF_THE_TARGET = {errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC)}


def cannot_write(path: str, error: OSError) -> OutputError:
    """That this output cannot be written, and why: a `TargetError` where no other could be."""
    reason = error.strerror or str(error)
    if error.errno not in _OF_THE_TARGET:
        return OutputError(f"cannot write {path}: {reason}")
    target = TargetError(f"cannot write {path}: {reason}")
    target.reason = reason
    return target


class VolumeError(FastdcmError):
    """Images that make no volume, or a segmentation that is not of a volume's geometry; the message says
    why."""


class StrictError(FastdcmError):
    """A notice that was raised because ``strict`` was asked for."""


class WorkerError(FastdcmError):
    """A worker process failed."""


class WorkerCrashError(WorkerError):
    """A worker process ended by itself or was killed."""


class WorkerTimeoutError(WorkerError):
    """A worker did not finish a frame within its time limit."""
