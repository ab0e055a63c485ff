"""The tensors that a run left: weights, weights on the way, and whatever else it recorded."""

from collections.abc import Iterator, Mapping
from typing import Any

from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from . import digest
from .errors import DamagedError, NotFoundError

Tensor = NDArray[Any]

_FINAL = "model/"
_ON_THE_WAY = "weights/"
_STEP = "step-"


class Result(Mapping[str, Tensor]):
    """The tensors of a run's `result.safetensors`, by name, as numpy arrays.

    `result["hessian/eigenvalues"]` is one of them, and iterating gives their names. It holds all of them in memory.
    """

    def __init__(self, path: str, tensors: Mapping[str, Tensor]) -> None:
        """The tensors of the file at `path`."""
        self.path = path
        self._tensors = dict(sorted(tensors.items()))

    @classmethod
    def of_bytes(cls, path: str, data: bytes, expected_digest: str) -> "Result":
        """The tensors in the bytes of the file at `path`. Raises DamagedError unless they have this digest."""
        digest.check(path, data, expected_digest)
        try:
            return cls(path, load(data))
        except SafetensorError as error:
            raise DamagedError(path, str(error)) from error
        except KeyError as error:
            raise NotFoundError(f"{path} has tensors of type {error.args[0]}, which numpy doesn't have") from error

    def __getitem__(self, name: str) -> Tensor:
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def __repr__(self) -> str:
        return f"<{len(self)} tensors of {self.path}>"

    @property
    def steps(self) -> list[int]:
        """The steps of the optimiser after which weights were kept, sorted."""
        places = self._places()
        return sorted(int(place.removeprefix(_STEP)) for place in places if place.startswith(_STEP))

    @property
    def epochs(self) -> list[int]:
        """The epochs after which weights were kept, sorted; 0 is before the first."""
        return sorted(int(place) for place in self._places() if not place.startswith(_STEP))

    def weights(self, step: int | None = None, *, epoch: int | None = None) -> dict[str, Tensor]:
        """The weights by parameter (`conv0.weight`): those of the end, or those after a step or an epoch.

        Raises NotFoundError if the run kept none there.
        """
        if step is not None and epoch is not None:
            raise ValueError("weights are those after a step or after an epoch, not both")
        if step is not None:
            prefix, place = f"{_ON_THE_WAY}{_STEP}{step}/", f"after step {step}"
        elif epoch is not None:
            prefix, place = f"{_ON_THE_WAY}{epoch}/", f"after epoch {epoch}"
        else:
            prefix, place = _FINAL, "of the end"
        found = {name.removeprefix(prefix): tensor for name, tensor in self.items() if name.startswith(prefix)}
        if not found:
            raise NotFoundError(f"{self.path} has no weights {place}; {self._kept()}")
        return found

    def _places(self) -> set[str]:
        """Where weights were kept on the way: `3` is an epoch, `step-100` a step."""
        names = (name.split("/") for name in self._tensors if name.startswith(_ON_THE_WAY))
        return {parts[1] for parts in names}

    def _kept(self) -> str:
        kept = [
            f"{unit} {', '.join(map(str, at))}" for unit, at in (("steps", self.steps), ("epochs", self.epochs)) if at
        ]
        if not kept:
            return "it kept none on the way: `record.weights_every` of the sweep file says when to"
        return f"kept are those after {' and '.join(kept)}"
