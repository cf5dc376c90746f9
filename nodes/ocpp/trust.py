"""Whom the backend link trusts, and what this station shows: the TLS contexts of the security profiles."""

from __future__ import annotations

import ssl
from pathlib import Path

from msgspec import Struct

SECURE_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:AES128-GCM-SHA256:AES256-GCM-SHA384"  # security white paper §5, TLS 1.2
ANY_CIPHER = "ALL:@SECLEVEL=0"
ROOTS = "roots"  # in the folder of installed certificates: a file a root of backends


class TrustUnusable(OSError):
    """A certificate file cannot be read; the text names it and what to do."""


class Trust(Struct, frozen=True):
    """`installed`: folder of the certificates that backends installed; they count beside the files.

    Without any root the system's own are trusted. `any_cipher`: whatever version and cipher the peer wants (B-005).
    `check_name` False: the certificate may be of another host (B-006). `server_name`: sent as SNI and checked, for
    URLs with an address; empty: the host of the URL.
    """

    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    installed: Path | None = None
    any_cipher: bool = False
    check_name: bool = True
    server_name: str = ""

    def context(self, *, with_certificate: bool, certificate: str = "") -> ssl.SSLContext:
        """For one connection. `with_certificate`: security profile 3. Raises TrustUnusable.

        `certificate`: file of the installed one to show, empty: the configured one.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = self.check_name
        if self.any_cipher:
            context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            context.set_ciphers(ANY_CIPHER)
        else:
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(SECURE_CIPHERS)
        self._load_roots(context)
        if with_certificate:
            self._load_certificate(context, certificate)
        return context

    def roots(self) -> tuple[Path, ...]:
        """The files whose certificates are trusted."""
        folder = () if self.installed is None else sorted((self.installed / ROOTS).glob("*.pem"))
        return (*(() if self.ca_file is None else (self.ca_file,)), *folder)

    def _load_roots(self, context: ssl.SSLContext) -> None:
        files = self.roots()
        for file in files:
            try:
                context.load_verify_locations(file)
            except OSError as error:  # SSLError is one
                raise TrustUnusable(f"{file}: no certificate of a backend's authority can be read ({error})") from error
        if not files:
            context.load_default_certs()

    def _load_certificate(self, context: ssl.SSLContext, certificate: str) -> None:
        if certificate and self.installed is not None:
            chain = key = self.installed / certificate
        else:
            chain, key = self.certificate_file, self.key_file
        try:
            if chain is None:
                raise FileNotFoundError("none is configured")
            context.load_cert_chain(chain, key)
        except OSError as error:
            what = "no file" if chain is None else chain
            text = f"{what}: the station's certificate cannot be used ({error}); security profile 3 needs both"
            raise TrustUnusable(text) from error
