"""Files and folders on a disk or in a bucket, all read in one way."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from pyarrow import fs

from .errors import BasinError, NotFoundError, UnavailableError

# As Basin itself has it: the first that is set counts.
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")


@dataclass(frozen=True)
class Location:
    """A file or folder."""

    filesystem: fs.FileSystem
    path: str
    """The path within the file system."""
    address: str
    """The same as it would be typed."""

    @classmethod
    def of(cls, place: str | os.PathLike[str], filesystem: fs.FileSystem | None = None) -> "Location":
        """A path, `s3://bucket/prefix` or another URL that pyarrow knows; or a path within `filesystem`."""
        address = os.fspath(place).rstrip("/") or "/"
        if filesystem is not None:
            return cls(filesystem, address, address)
        scheme, separator, rest = address.partition("://")
        if not separator:
            return cls(fs.LocalFileSystem(), os.path.abspath(address), address)
        if scheme == "s3":
            return cls(_s3(os.environ), rest, address)
        try:
            found, path = fs.FileSystem.from_uri(address)
        except ValueError as error:
            hint = "of a store that pyarrow doesn't know by its address, pass `filesystem` and the path within it"
            raise BasinError(f"cannot open {address}: {error}; {hint}") from error
        return cls(found, path, address)

    def __truediv__(self, name: str) -> "Location":
        """The file or folder of this name within the folder; `name` may have several parts."""
        return Location(self.filesystem, f"{self.path.rstrip('/')}/{name}", f"{self.address.rstrip('/')}/{name}")

    def __str__(self) -> str:
        return self.address

    def is_file(self) -> bool:
        """Whether it is a file."""
        return bool(self._type() == fs.FileType.File)

    def is_folder(self) -> bool:
        """Whether it is a folder; in a bucket, whether anything lies below it."""
        return bool(self._type() == fs.FileType.Directory)

    def _type(self) -> fs.FileType:
        with self._reading():
            return self.filesystem.get_file_info(self.path).type

    def names(self) -> list[str]:
        """The names of what lies in the folder, sorted; none if there is no such folder."""
        selector = fs.FileSelector(self.path, allow_not_found=True)
        with self._reading():
            return sorted(entry.base_name for entry in self.filesystem.get_file_info(selector))

    def read(self) -> bytes:
        """All bytes of the file."""
        with self._reading(), self.filesystem.open_input_file(self.path) as file:
            data: bytes = file.read()
            return data

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise NotFoundError(f"there is no file {self}") from error
        except OSError as error:
            raise UnavailableError(f"cannot read {self}: {error}") from error


def _s3(environment: Mapping[str, str]) -> fs.FileSystem:
    """S3 with the endpoint and region that `basin` would take; credentials come from where the vendor's tools look."""
    try:
        from pyarrow.fs import S3FileSystem
    except ImportError as error:
        raise BasinError("this pyarrow was built without S3") from error
    endpoint = next((environment[name] for name in _ENDPOINTS if environment.get(name)), None)
    region = next((environment[name] for name in _REGIONS if environment.get(name)), None)
    if endpoint is None:
        return S3FileSystem(region=region)
    scheme, separator, host = endpoint.partition("://")
    if not separator:
        raise BasinError(f"the endpoint `{endpoint}` has no scheme: `https://{endpoint}`?")
    # Servers other than AWS either don't care for a region or take this one.
    return S3FileSystem(endpoint_override=host.rstrip("/"), scheme=scheme, region=region or "us-east-1")
