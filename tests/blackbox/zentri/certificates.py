"""Certificates for tests, made by OpenSSL's command line, which the tests need for the other end anyway."""

import subprocess
from pathlib import Path

#: The options that make a key of each kind.
KEYS = {
    "p256": ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "rsa": ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
}

#: This machine, as devices on it and in QEMU see it.
HERE = ("DNS:localhost", "IP:127.0.0.1", "IP:10.0.2.2")


def openssl(*arguments, **options):
    """Runs OpenSSL; answers its output."""
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, **options).stdout


class Authority:
    """An authority with a folder of its own, in which everything is PEM."""

    def __init__(self, folder, kind="p256", name="Test Authority"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.key = self.folder / "ca.key"
        self.certificate = self.folder / "ca.pem"
        openssl(*KEYS[kind], "-out", self.key)
        openssl("req", "-x509", "-new", "-key", self.key, "-subj", f"/CN={name}", "-days", "30", "-out", self.certificate)

    def sign(self, name, kind="p256", names=HERE, first=None, last=None):
        """Makes a key and its certificate; answers their paths. `first` and `last` are like `20200101000000Z`."""
        stem = self.folder / name
        key, request, certificate, extensions = (stem.with_suffix(end) for end in (".key", ".csr", ".pem", ".ext"))
        openssl(*KEYS[kind], "-out", key)
        openssl("req", "-new", "-key", key, "-subj", f"/CN={name}", "-out", request)
        extensions.write_text(f"subjectAltName={','.join(names)}\nbasicConstraints=critical,CA:FALSE\n")
        if first is None:
            openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                    "-extfile", extensions, "-days", "20", "-out", certificate)
        else:
            self._sign_between(request, extensions, certificate, first, last)
        return certificate, key

    def _sign_between(self, request, extensions, certificate, first, last):
        """`x509` of OpenSSL 3.0 has no options for dates; `ca` has them, but needs files for its database."""
        books = self.folder / f"books-{certificate.stem}"
        books.mkdir()
        (books / "index.txt").touch()
        (books / "serial").write_text("1000\n")
        config = books / "ca.cnf"
        config.write_text(
            f"[ca]\ndefault_ca=own\n[own]\ndatabase={books}/index.txt\nserial={books}/serial\nnew_certs_dir={books}\n"
            "default_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n"
        )
        openssl("ca", "-batch", "-config", config, "-cert", self.certificate, "-keyfile", self.key, "-in", request,
                "-extfile", extensions, "-startdate", first, "-enddate", last, "-notext", "-out", certificate)
