"""Certificates of a node for tests, all of one authority, and the administrator's kubeconfig."""

from __future__ import annotations

import subprocess
from base64 import b64encode
from pathlib import Path

import yaml

__all__ = ["write_certificates"]


def write_certificates(folder: Path) -> None:
    """Write them into a folder: `NAME.crt` and `NAME.key`, and `kubeconfig`."""

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt",
            "-days", "2", "-subj", "/CN=lab")  # fmt: skip
    openssl("genrsa", "-out", "accounts.key", "2048")
    names = "DNS:localhost,DNS:kubernetes.default,DNS:lab,IP:127.0.0.1,IP:10.96.0.1,IP:10.200.0.1"
    for name, subject in {
        "server": "/CN=server",
        "admin": "/O=system:masters/CN=admin",
        "kubelet": "/O=system:nodes/CN=system:node:lab",
    }.items():
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out",
                f"{name}.csr", "-subj", subject)  # fmt: skip
        extensions = f"subjectAltName={names}\nextendedKeyUsage=serverAuth,clientAuth\n"
        (folder / f"{name}.ext").write_text(extensions, encoding="utf-8")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                "-CAcreateserial", "-out", f"{name}.crt", "-days", "2", "-extfile",
                f"{name}.ext")  # fmt: skip

    def data(name: str) -> str:
        return b64encode((folder / name).read_bytes()).decode()

    cluster = {"server": "https://127.0.0.1:6443", "certificate-authority-data": data("ca.crt")}
    user = {"client-certificate-data": data("admin.crt"), "client-key-data": data("admin.key")}
    document = {
        "clusters": [{"name": "lab", "cluster": cluster}],
        "users": [{"name": "admin", "user": user}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "admin"}}],
        "current-context": "lab",
    }
    (folder / "kubeconfig").write_text(yaml.safe_dump(document), encoding="utf-8")
