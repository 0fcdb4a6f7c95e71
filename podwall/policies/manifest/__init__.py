"""The Kubernetes document of a policy: with `validation`, all that knows camelCase.

A strict builder and a lenient reader: the writer writes one form, the reader accepts every form
that the API server accepts, and says in findings what it read differently from how it is written.
"""

from podwall.policies.manifest.reading import Reading, from_manifest, prevents_reading, read
from podwall.policies.manifest.writing import peer_manifest, ports_manifest, to_manifest

__all__ = [
    "Reading",
    "from_manifest",
    "peer_manifest",
    "ports_manifest",
    "prevents_reading",
    "read",
    "to_manifest",
]
