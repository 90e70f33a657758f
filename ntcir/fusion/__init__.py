"""Several runs made one: reciprocal rank fusion, CombSUM and CombMNZ, with weights that are given or tuned.

Written here and not taken from a library: ranx has these methods, but it compiles them with numba, which is a large
dependency for three sums and slow to start, and what counts here would still be ours to settle: ties that share their
rank, documents and topics that a run lacks, and the organisers' numbered documents.
"""

from ntcir.fusion.files import fuse_files
from ntcir.fusion.methods import METHODS, Method

__all__ = ["METHODS", "Method", "fuse_files"]
