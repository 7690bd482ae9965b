"""Which certificates the services of a host use, told from the files that configure them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from wardline.agent.checks.probe import Probe

FILES_MAX = 256
PATHS_MAX = 64

_COMMENT = re.compile(r"^\s*#.*|(?<=\s)#.*")


@dataclass(frozen=True, slots=True)
class Source:
    """One service: its files, the lines that name a certificate, and what a short path is under."""

    service: str
    files: tuple[str, ...]
    line: re.Pattern[str]
    folder: str


_WORD = r"""["']?([^\s"';,]+)["']?"""
SOURCES = (
    # ngx_http_ssl_module and the mail and stream modules, ssl_certificate.
    Source(
        "nginx",
        ("/etc/nginx/nginx.conf", "/etc/nginx/conf.d/*.conf", "/etc/nginx/sites-enabled/*"),
        re.compile(rf"(?:^|[{{;\s])ssl_certificate\s+{_WORD}\s*;"),
        "/etc/nginx",
    ),
    # mod_ssl, SSLCertificateFile; short paths are under ServerRoot.
    Source(
        "apache2",
        (
            "/etc/apache2/apache2.conf",
            "/etc/apache2/conf-enabled/*.conf",
            "/etc/apache2/mods-enabled/*.conf",
            "/etc/apache2/sites-enabled/*",
        ),
        re.compile(rf"^\s*SSLCertificateFile\s+{_WORD}\s*$", re.IGNORECASE),
        "/etc/apache2",
    ),
    Source(
        "httpd",
        ("/etc/httpd/conf/httpd.conf", "/etc/httpd/conf.d/*.conf"),
        re.compile(rf"^\s*SSLCertificateFile\s+{_WORD}\s*$", re.IGNORECASE),
        "/etc/httpd",
    ),
    # postconf(5), smtpd_tls_cert_file and smtpd_tls_chain_files (the first file of it).
    Source(
        "postfix",
        ("/etc/postfix/main.cf",),
        re.compile(rf"^(?:smtpd|smtp)_tls_(?:ec)?(?:cert_file|chain_files)\s*=\s*{_WORD}"),
        "/etc/postfix",
    ),
    # Dovecot 2.3 ssl_cert, 2.4 ssl_server_cert_file.
    Source(
        "dovecot",
        ("/etc/dovecot/dovecot.conf", "/etc/dovecot/conf.d/*.conf"),
        re.compile(rf"^\s*(?:ssl_cert\s*=\s*<\s*|ssl_server_cert_file\s*=\s*){_WORD}"),
        "/etc/dovecot",
    ),
    # PostgreSQL, ssl_cert_file; Debian writes the whole path.
    Source(
        "postgresql",
        ("/etc/postgresql/*/*/postgresql.conf", "/etc/postgresql/*/*/conf.d/*.conf"),
        re.compile(rf"^\s*ssl_cert_file\s*=\s*{_WORD}", re.IGNORECASE),
        "",
    ),
)
# Certificates that stand ready where every service looks for them: certbot's, and those of the
# keys in the folder for keys.
LIVE = "/etc/letsencrypt/live/*/cert.pem"
PRIVATE_KEYS = "/etc/ssl/private/*.key"
_BESIDE_KEY = ("/etc/ssl/certs/{}.pem", "/etc/ssl/certs/{}.crt", "/etc/ssl/{}.crt")


@dataclass(frozen=True, slots=True)
class Use:
    """A certificate by its path and who uses it."""

    path: str
    service: str


def find(probe: Probe) -> list[Use]:
    """Every certificate that is in use, each path once per service, sorted by path.

    A path in which a variable stands is given as it is written: nothing stands there, which is
    said. HostError where a folder or a file may not be read.
    """
    found = {use for source in SOURCES for use in _of_source(probe, source)}
    found |= {Use(path, "certbot") for path in probe.glob(LIVE)}
    for key in probe.glob(PRIVATE_KEYS):
        stem = key.rpartition("/")[2].removesuffix(".key")
        beside = [pattern.format(stem) for pattern in _BESIDE_KEY]
        found |= {Use(path, "ssl-cert") for path in beside if probe.exists(path)}
    return sorted(found, key=lambda use: (use.path, use.service))


def _of_source(probe: Probe, source: Source) -> Iterator[Use]:
    files = [path for pattern in source.files for path in probe.glob(pattern)]
    for path in files[:FILES_MAX]:
        for _, line in probe.lines(path):
            for found in source.line.finditer(_COMMENT.sub("", line)):
                name = found[1]
                if not name.startswith(("data:", "engine:")):
                    yield Use(
                        name if name[0] in "/$" else f"{source.folder}/{name}", source.service
                    )
