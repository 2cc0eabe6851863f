"""Errors of this package: each is one line that names the thing, the value, the place and the way out."""


class ChunkflowError(RuntimeError):
    """Base of every error that this package raises on purpose."""


class ModelError(ChunkflowError):
    """The model is not one whose blocks can be found or streamed."""


class FileError(ChunkflowError):
    """A profile or a plan that cannot be read, is malformed, or belongs to another model."""


class ProfileError(ChunkflowError):
    """The step that was profiled does not run the blocks as a profile can describe."""


class CollectiveError(ChunkflowError):
    """Collectives are listened to or used in a way that cannot be followed."""


class AttachError(ChunkflowError):
    """A plan cannot be attached to the model, or an attached model is used in a way that it cannot follow."""


class NativeError(ChunkflowError):
    """The native library could not be built, loaded, or failed in a call."""


class QuestionError(ChunkflowError):
    """A question that the command line refuses, in its own words."""
