"""Names that a model's module bound before anyone listened."""

from torch.distributed import all_to_all_single
from torch.distributed._functional_collectives import all_gather_tensor as gather

__all__ = ["all_to_all_single", "gather"]
