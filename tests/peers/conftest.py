"""pydicom's log is as noisy here as in tests/corpus."""

from tests.corpus.conftest import hushed

__all__ = ["hushed"]
