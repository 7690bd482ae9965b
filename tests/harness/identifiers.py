"""Identifiers of persons and secrets that nobody has, in the ways in which they are written.

Everything is drawn from a seed: numbers in the ranges that the issuers define, names of made-up
syllables, streets of words. No real person's data is in it, and none can be but by chance.
"""

import base64
import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass

UPPER, DIGITS = string.ascii_uppercase, string.digits
ALNUM = string.ascii_letters + DIGITS
MBI_LETTERS = "ACDEFGHJKMNPQRTUVWXY"


@dataclass(frozen=True, slots=True)
class Planted:
    """A text with something in it: `value` stands at `start`."""

    kind: str
    text: str
    value: str
    start: int


def luhn_ended(digits: str) -> str:
    doubled = [int(one) * 2 for one in digits[::-2]]
    total = sum(one - 9 if one > 9 else one for one in doubled) + sum(map(int, digits[-2::-2]))
    return digits + str(-total % 10)


class Maker:
    """Draws identifiers of every kind; `KINDS` names them."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)

    def digits(self, count: int) -> str:
        return "".join(self.draw.choice(DIGITS) for _ in range(count))

    def chars(self, count: int, among: str = ALNUM) -> str:
        return "".join(self.draw.choice(among) for _ in range(count))

    def word(self) -> str:
        syllables = ("ba", "do", "ke", "li", "mo", "nu", "pe", "ri", "sa", "tu", "vel", "zor")
        return "".join(self.draw.choice(syllables) for _ in range(3)).capitalize()

    def _date(self) -> tuple[int, int, int]:
        draw = self.draw
        return draw.randint(1925, 2020), draw.randint(1, 12), draw.randint(1, 28)

    def ssn(self) -> str:
        area = self.draw.choice([*range(1, 666), *range(667, 900)])
        return f"{area:03}-{self.draw.randint(1, 99):02}-{self.draw.randint(1, 9999):04}"

    def itin(self) -> str:
        group = self.draw.choice([*range(50, 66), *range(70, 89), *range(90, 93)])
        return f"9{self.digits(2)}-{group}-{self.digits(4)}"

    def phone(self) -> str:
        draw = self.draw
        area, office = (f"{draw.randint(2, 9)}{self.digits(2)}" for _ in range(2))
        line = self.digits(4)
        form = draw.choice(
            (
                *("({0}) {1}-{2}", "({0}){1}-{2}", "{0}-{1}-{2}", "{0}.{1}.{2}", "{0} {1} {2}"),
                *("1-{0}-{1}-{2}", "+1 {0} {1} {2}", "+1-{0}-{1}-{2}", "+1{0}{1}{2}"),
                *("+1 ({0}) {1}-{2}", "{0}-{1}-{2} x123", "{0}-{1}-{2} ext. 45"),
            )
        )
        return form.format(area, office, line)

    def phone_abroad(self) -> str:
        form = self.draw.choice(
            ("+44 20 {0} {1}", "+49 30 {0}{1}", "+33 6 12 34 56 78", "+4930{0}{1}")
        )
        return form.format(self.digits(4), self.digits(4))

    def email(self) -> str:
        local = self.draw.choice(("{0}.{1}", "{0}{1}", "{0}_{1}", "{0}+{1}", "{0}-{1}")).format(
            self.word().lower(), self.word().lower()
        )
        domain = self.draw.choice(("clinic.example.org", "mail.example.com", "example.co.uk"))
        return self.draw.choice(
            (f"{local}@{domain}", f"{local}@{domain}".title(), f"{local}%40{domain}")
        )

    def card(self) -> str:
        prefix, length = self.draw.choice(
            (
                *(("4", 16), ("4", 13), ("51", 16), ("55", 16), ("2221", 16), ("2720", 16)),
                *(("34", 15), ("37", 15), ("6011", 16), ("65", 16), ("3530", 16), ("36", 14)),
            )
        )
        number = luhn_ended(prefix + self.digits(length - len(prefix) - 1))
        sign = self.draw.choice(("", " ", "-"))
        if length == 15:
            return sign.join((number[:4], number[4:10], number[10:]))
        if length == 14:
            return sign.join((number[:4], number[4:10], number[10:])) if sign else number
        return sign.join(number[at : at + 4] for at in range(0, length, 4))

    def record(self) -> str:
        form = self.draw.choice(("{0}", "A{0}", "{0}-{1}", "MR{0}", "{1}{0}X"))
        return form.format(self.digits(self.draw.randint(5, 9)), self.digits(2))

    def born(self) -> str:
        year, month, day = self._date()
        name = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
        return self.draw.choice(
            (
                *(
                    f"{year}-{month:02}-{day:02}",
                    f"{month:02}/{day:02}/{year}",
                    f"{month}/{day}/{year}",
                ),
                *(
                    f"{day:02}.{month:02}.{year}",
                    f"{year}{month:02}{day:02}",
                    f"{year}/{month:02}/{day:02}",
                ),
                *(f"{name[month - 1]} {day}, {year}", f"{day} {name[month - 1]} {year}"),
                f"{month:02}-{day:02}-{year % 100:02}",
            )
        )

    def address(self) -> str:
        draw, words = self.draw, [self.word() for _ in range(3)]
        street = draw.choice(
            ("Street", "St", "Avenue", "Ave.", "Road", "Blvd", "Lane", "Dr", "Court", "Parkway")
        )
        number = draw.randint(1, 99_999)
        form = draw.choice(
            (
                *(
                    "{n} {0} {s}",
                    "{n} N {0} {s}",
                    "{n} {0} {1} {s}, Apt 4B",
                    "{n} {0} {s} Suite 210",
                ),
                *("{n} {0} {s}, {2}, OR 97201", "{n} 42nd {s}", "P.O. Box {n}", "PO Box {n}"),
                "{n} {0} {s}, {1} {2}, TX 78701-1234",
            )
        )
        made = form.format(*words, n=number, s=street)
        return made.upper() if draw.random() < 0.2 and "." not in made else made

    def mbi(self) -> str:
        letter, either = (lambda: self.draw.choice(MBI_LETTERS)), MBI_LETTERS + DIGITS
        parts = (
            self.draw.choice(DIGITS[1:]) + letter() + self.draw.choice(either) + self.digits(1),
            letter() + self.draw.choice(either) + self.digits(1),
            letter() + letter() + self.digits(2),
        )
        return self.draw.choice(("", "-")).join(parts)

    def member(self) -> str:
        return self.draw.choice(
            (f"W{self.digits(9)}", self.digits(10), f"XYZ{self.digits(9)}", f"{self.digits(8)}-01")
        )

    def npi(self) -> str:
        return luhn_ended("80840" + self.draw.choice("12") + self.digits(8))[5:]

    def dea(self) -> str:
        digits = self.digits(6)
        ones = [int(one) for one in digits]
        check = (ones[0] + ones[2] + ones[4] + 2 * (ones[1] + ones[3] + ones[5])) % 10
        return self.chars(1, "ABFGM") + self.chars(1, UPPER) + digits + str(check)

    def secret(self) -> str:
        return self.chars(self.draw.randint(9, 24), ALNUM + "!$%^*_+") + self.digits(1)

    def token(self) -> str:
        jwt = ".".join(
            base64.urlsafe_b64encode(part).decode().rstrip("=")
            for part in (b'{"alg":"HS256"}', b'{"sub":"%s"}' % self.chars(9).encode())
        )
        return self.draw.choice(
            (
                *("AKIA" + self.chars(16, UPPER + DIGITS), "ghp_" + self.chars(36)),
                *("glpat-" + self.chars(20), "xoxb-" + self.digits(12) + "-" + self.chars(24)),
                *("sk_live_" + self.chars(24), "AIza" + self.chars(35), "npm_" + self.chars(36)),
                *(f"{jwt}.{self.chars(43)}", "SG." + self.chars(22) + "." + self.chars(43)),
                *("hvs." + self.chars(24), "dop_v1_" + self.chars(64, "0123456789abcdef")),
            )
        )

    def private_key(self) -> str:
        kind = self.draw.choice(("RSA ", "EC ", "", "OPENSSH ", "ENCRYPTED "))
        body = "\n".join(self.chars(64, ALNUM + "+/") for _ in range(4))
        return f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----"

    def password_hash(self) -> str:
        return f"$6${self.chars(8)}${self.chars(86, ALNUM + './')}"


_BARE = (
    *(
        "seen {0} today",
        "{0}",
        "error: record {0}, retry",
        "/srv/scans/{0}.pdf",
        '{{"note":"{0}"}}',
    ),
    *("2026-11-21T09:00:00Z host app[412]: got {0} from 10.0.0.7", "-{0}\n+x", "x={0};y=2"),
)
_PROSE = (
    *("seen {0} today", "{0}", "note: {0}", '{{"note":"{0}"}}', "home={0}; y=2"),
    "2026-11-21T09:00:00Z host app[412]: got {0}, from 10.0.0.7",
)


def _named(*names: str) -> tuple[str, ...]:
    forms = ("{n}: {{0}} seen", "{n}={{0}}", '{{{{"{n}": "{{0}}"}}}}', "{n} {{0}}", "{n} # {{0}};")
    return tuple(form.format(n=name) for name in names for form in forms)


_PASSWORDS = (
    *_named("password", "db_password", "DB_PASS", "api_key", "secret")[0::5],
    *('password="{0}"', "PGPASSWORD={0} psql", "postgres://app:{0}@db/x", "--password {0} -u x"),
    *('{{"client_secret": "{0}", "x": 1}}', "curl -u admin:{0} http://x", "bindpw {0}"),
    *(
        "root password is {0}",
        "IDENTIFIED BY '{0}'",
        "Authorization: Bearer {0}",
        "pwd={0};Server=x",
    ),
)
KINDS: dict[str, tuple[Callable[[Maker], str], tuple[str, ...]]] = {
    "ssn": (Maker.ssn, _BARE),
    "itin": (Maker.itin, _BARE),
    "ssn, named": (lambda one: one.ssn().replace("-", ""), _named("SSN", "Social Security Number")),
    "phone": (Maker.phone, _PROSE),
    "phone abroad": (Maker.phone_abroad, _PROSE),
    "phone, named": (
        lambda one: f"{one.draw.randint(2, 9)}{one.digits(9)}",
        _named("phone", "Fax", "tel"),
    ),
    "email": (Maker.email, _BARE),
    "card": (Maker.card, _BARE),
    "mrn": (Maker.record, _named("MRN", "patient_id", "Medical Record Number", "Chart No")),
    "dob": (Maker.born, _named("DOB", "date of birth", "birthDate", "birth_date")),
    "address": (Maker.address, _PROSE),
    "mbi": (Maker.mbi, _BARE),
    "insurance": (
        Maker.member,
        _named("Member ID", "subscriber_id", "Policy Number", "Insurance ID"),
    ),
    "npi": (Maker.npi, _named("NPI", "npi")),
    "dea": (Maker.dea, _named("DEA", "DEA Number")),
    "secret": (Maker.secret, _PASSWORDS),
    "token": (Maker.token, _BARE),
    "private key": (Maker.private_key, ("{0}", "key:\n{0}\nend", "+{0}")),
    "password hash": (Maker.password_hash, ("root:{0}:19000:0:::", "rootpw {0}", "{0}")),
}


def planted(seed: int, kind: str, count: int) -> Iterator[Planted]:
    """So many texts with one identifier of a kind in each."""
    maker = Maker(seed)
    make, forms = KINDS[kind]
    for number in range(count):
        form, value = forms[number % len(forms)], make(maker)
        before = form.partition("{0}")[0].replace("{{", "{").replace("}}", "}")
        yield Planted(kind, form.format(value), value, len(before))


def harmless(seed: int, count: int) -> Iterator[str]:
    """Lines full of numbers that evidence needs: none of them is anybody's."""
    maker = Maker(seed)
    draw = maker.draw
    for number in range(count):
        hexes = maker.chars(64, "0123456789abcdef")
        version = ".".join(str(draw.randint(0, 999)) for _ in range(draw.randint(2, 4)))
        address = ".".join(str(draw.randint(0, 255)) for _ in range(4))
        at = draw.randint(1_600_000_000, 1_900_000_000)
        yield (
            f"openssl {version}-{draw.randint(1, 9)}+deb12u{draw.randint(1, 20)} amd64",
            f"{address}:{draw.randint(1, 65535)} > 10.0.0.1:443 len {draw.randint(1, 99999)}",
            f"sha256:{hexes} md5 {hexes[:32]} commit {hexes[:40]} short {hexes[:11]}",
            f"{hexes[:8]}-{hexes[8:12]}-4{hexes[13:16]}-a{hexes[17:20]}-{hexes[20:32]}",
            f"2026-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}T0{draw.randint(0, 9)}:00:00.123Z x",
            f"audit({at}.{maker.digits(3)}:{maker.digits(5)}): pid={maker.digits(5)} uid=1000 ses=4",
            f"at {at} ms {at}{maker.digits(3)} us {at}{maker.digits(6)} ns {at}{maker.digits(9)}",
            f"serial WD-WX{maker.digits(2)}A{maker.digits(7)} S/N {maker.chars(12, UPPER + DIGITS)}",
            f"Windows 10.0.{draw.randint(10000, 29999)}.{draw.randint(1, 9999)} KB{maker.digits(7)}",
            f"driver {draw.randint(300, 600)}.{draw.randint(200, 299)}.{draw.randint(1000, 9999)} loaded",
            f"-rw-r----- 1 0 42 {maker.digits(7)} Nov 21 09:00 /var/log/app-{at}.log.1 0640 0:42",
            "ports 22,80,443,8080,3306,5432 and 1024-65535/tcp, 22:22 0.0.0.0:5432",
            f"eth0 {maker.digits(9)} {maker.digits(6)} 0 0 {maker.digits(9)} {maker.digits(6)}  0 0",
            f"CVE-2024-{maker.digits(5)} RFC 9457 USN-{maker.digits(4)}-1 DSA-{maker.digits(4)}-2",
            f"cpu MHz 2{maker.digits(3)}.{maker.digits(3)} cache {maker.digits(5)} KB 0x{hexes[:16]}",
            "getty@tty1.service user@1000.service dev-disk-by\\x2duuid.device icon@2x.png",
            f"2001:db8:{hexes[:4]}:{hexes[4:8]}::1 fe80::{hexes[:4]} 0{draw.randint(0, 9)}:1a:2b:3c:4d:5e",
            f"MemTotal: {maker.digits(8)} kB, pages {maker.digits(3)} {maker.digits(3)}",
        )[number % 18]
