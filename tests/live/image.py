"""An image without a registry: one layer with the static busybox, laid out as the OCI says."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

__all__ = ["write_image"]


def write_image(path: Path, name: str, busybox: Path) -> None:
    """Write an image, which sleeps unless told otherwise, for `ctr images import`."""
    listed = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True)
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        for folder in ("bin", "etc", "tmp", "var", "proc", "sys", "dev"):
            _put_folder(tar, folder, 0o1777 if folder == "tmp" else 0o755)
        _put(tar, "bin/busybox", busybox.read_bytes(), 0o755)
        for applet in set(listed.stdout.split()) - {"busybox"}:
            _put_link(tar, f"bin/{applet}", "/bin/busybox")
        _put(tar, "etc/passwd", b"root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
    blob = gzip.compress(layer.getvalue(), mtime=0)
    sleeps = ["/bin/sh", "-c", "trap exit TERM; while :; do sleep 3600 & wait; done"]
    config = json.dumps({
        "architecture": "amd64", "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{_digest(layer.getvalue())}"]},
        "config": {"Cmd": sleeps, "Env": ["PATH=/bin"]},
    }).encode()  # fmt: skip
    kinds = "application/vnd.oci.image"
    manifest = json.dumps({
        "schemaVersion": 2,
        "mediaType": f"{kinds}.manifest.v1+json",
        "config": _described_blob(f"{kinds}.config.v1+json", config),
        "layers": [_described_blob(f"{kinds}.layer.v1.tar+gzip", blob)],
    }).encode()  # fmt: skip
    named = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name}
    entry = {**_described_blob(f"{kinds}.manifest.v1+json", manifest), "annotations": named}
    with tarfile.open(path, "w") as tar:
        _put(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        index = json.dumps({"schemaVersion": 2, "manifests": [entry]})
        _put(tar, "index.json", index.encode())
        for each in (config, blob, manifest):
            _put(tar, f"blobs/sha256/{_digest(each)}", each)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _described_blob(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": f"sha256:{_digest(data)}", "size": len(data)}


def _put(tar: tarfile.TarFile, name: str, data: bytes, mode: int = 0o644) -> None:
    info = tarfile.TarInfo(name)
    info.mode, info.size = mode, len(data)
    tar.addfile(info, io.BytesIO(data))


def _put_folder(tar: tarfile.TarFile, name: str, mode: int) -> None:
    info = tarfile.TarInfo(name)
    info.mode, info.type = mode, tarfile.DIRTYPE
    tar.addfile(info)


def _put_link(tar: tarfile.TarFile, name: str, target: str) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    tar.addfile(info)
