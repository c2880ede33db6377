"""Makes revocation.json: values for verifiers of docs/reference/revocation-feed.md.

Written from that page alone; shares nothing with the rest of the repository.
Standard library, and `cryptography` for ES256. Signatures are random, so every
run makes other bytes of the same meaning:

    python3 testdata/vectors/revocation.py > testdata/vectors/revocation.json
"""

import base64
import hashlib
import hmac
import json
import struct

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

ISSUER = "https://id.example.com"
AUDIENCE = "https://api.example.com"
LOG, NEXT_LOG = "AAECAwQFBgcICQoL", "DA0ODxAREhMUFRYX"
K = bytes(range(32))
KINDS = ["jti", "sid", "gid", "kid", "sub", "client", "consent", "aud", "all"]
FOREVER = "forever"
T = 1790000010000  # the server's clock and ours
DAY = 86400000
JTI, SID, GID = "AAECAwQFBgcICQoLDA0ODw", "EBESExQVFhcYGRobHB0eHw", "ICEiIyQlJicoKSorLC0uLw"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def encode(kind, *parts):
    out = bytes([KINDS.index(kind) + 1])
    for part in parts:
        raw = part.encode()
        out += struct.pack(">H", len(raw)) + raw
    return out


def name(kind, *parts):
    return hmac.new(K, encode(kind, *parts), hashlib.sha256).digest()[:8].hex()


# Keys: the feed's, and one of nobody's.


class Key:
    def __init__(self):
        self.private = ec.generate_private_key(ec.SECP256R1())
        numbers = self.private.public_key().public_numbers()
        self.jwk = {"crv": "P-256", "kty": "EC", "x": b64(numbers.x.to_bytes(32, "big")), "y": b64(numbers.y.to_bytes(32, "big"))}
        canonical = json.dumps(self.jwk, sort_keys=True, separators=(",", ":")).encode()
        self.kid = b64(hashlib.sha256(canonical).digest()[:8])

    def sign(self, typ, payload, **header):
        head = {"alg": "ES256", "kid": self.kid, "typ": typ, **header}
        head = {k: v for k, v in head.items() if v is not None}
        text = b64(compact(head)) + "." + b64(payload if isinstance(payload, bytes) else compact(payload))
        r, s = decode_dss_signature(self.private.sign(text.encode(), ec.ECDSA(SHA256())))
        return text + "." + b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


FEED, STRANGER = Key(), Key()


# The log: numbers 3 and 7 are missing.


def link(h, e):
    cut = 2**63 - 1 if e["cut"] == FOREVER else e["cut"]
    return hashlib.sha256(h + struct.pack(">Q", e["seq"]) + bytes.fromhex(e["name"]) + struct.pack(">QQ", cut, e["until"])).digest()


def entry(seq, target, cut, until):
    return {"seq": seq, "name": name(*target), "cut": cut, "until": until}


ENTRIES = [
    entry(1, ("jti", "gone"), FOREVER, T - 1000),  # expired since
    entry(2, ("sub", "ana"), T - 5000, T + 890001),
    entry(4, ("kid", "oldKey"), FOREVER, T + DAY),
    entry(5, ("consent", "ben", "shop"), T - 4000, T + 890999),
    entry(6, ("sub", "ana"), T - 1000, T + 899000),
    entry(8, ("sid", SID), FOREVER, T + 900000),
    entry(9, ("aud", "https://stock.example.com"), T, T + 900000),
    entry(10, ("sub", "ana"), T - 500, T + 899500),
]
H, CHAIN = {0: bytes(32)}, []
for e in ENTRIES:
    H[e["seq"]] = link(H[max(H)], e)
    CHAIN.append({**e, "h": b64(H[e["seq"]])})
H[7] = H[6]


def head(seq=7, by=FEED, typ="revhead+jwt", header=None, drop=None, **changes):
    at = seq if seq in H else max(H)
    payload = {"iss": ISSUER, "log": LOG, "seq": seq, "lc": T - 1000 if at < 9 else T, "t": T, "h": b64(H[at]), "kinds": KINDS}
    payload.update(changes)
    if drop:
        del payload[drop]
    return by.sign(typ, payload, **(header or {}))


# Snapshots.


def record(base, e):
    cut = 2**32 - 1 if e["cut"] == FOREVER else e["cut"] - base
    return bytes.fromhex(e["name"]) + struct.pack(">II", cut, -((base - e["until"]) // 1000))


def snapshot(entries, by=FEED, typ="revsnap+jwt", signer=ISSUER, header=None, drop=None, edit=None, end=b"\n", **changes):
    top = {"iss": ISSUER, "log": LOG, "seq": 7, "lc": T - 1000, "base": T - 5000, "n": len(entries), "h": b64(H[7]), "kinds": KINDS, "key": b64(K)}
    top.update(changes)
    if drop:
        del top[drop]
    signed = compact(top) + b"\n" + b"".join(record(T - 5000, e) for e in entries)
    signature = by.sign(typ, {"iss": signer, "sha256": b64(hashlib.sha256(signed).digest())}, **(header or {}))
    return (edit(signed) if edit else signed) + signature.encode() + end


LIVE = [entry(0, ("sub", "ana"), T - 1000, T + 899000), ENTRIES[2], ENTRIES[3]]
TWICE = [ENTRIES[1]] + LIVE + [entry(0, ("sub", "ana"), T - 2000, T + 1)]


def last_bit(b):
    return b[:-1] + bytes([b[-1] ^ 1])


SNAPSHOTS = [
    ("one name several times: its largest cut and its largest until count", "good", snapshot(TWICE)),
    ("nothing was revoked", "good", snapshot([])),
    ("a kind that is not on the page: heads will make the verifier STALE", "good", snapshot(LIVE, kinds=KINDS + ["org"])),
    ("a member that is not on the page", "good", snapshot(LIVE, extra={"a": [1]})),
    ("signed by a key that is not the feed's", "fault", snapshot(LIVE, by=STRANGER)),
    ("signed by a stranger under the feed's kid", "fault", snapshot(LIVE, by=STRANGER, header={"kid": FEED.kid})),
    ("signed without a kid", "fault", snapshot(LIVE, header={"kid": None})),
    ("signed with another alg than the key's", "fault", snapshot(LIVE, header={"alg": "RS256"})),
    ("a signature of the type revhead+jwt", "fault", snapshot(LIVE, typ="revhead+jwt")),
    ("a signature without a type", "fault", snapshot(LIVE, typ=None)),
    ("a signature with a critical extension", "fault", snapshot(LIVE, header={"crit": ["x"], "x": 1})),
    ("a signature of another issuer", "fault", snapshot(LIVE, signer="https://other.example.com")),
    ("a header of another issuer", "fault", snapshot(LIVE, iss="https://other.example.com")),
    ("a bit of the last record changed", "fault", snapshot(LIVE, edit=last_bit)),
    ("a digit of the header changed", "fault", snapshot(LIVE, edit=lambda b: b.replace(b'"seq":7', b'"seq":8'))),
    ("a record missing on the way", "fault", snapshot(LIVE, edit=lambda b: b[:-16])),
    ("n larger than the number of records", "fault", snapshot(LIVE, n=4)),
    ("n smaller than the number of records", "fault", snapshot(LIVE, n=2)),
    ("n below zero", "fault", snapshot([], n=-1)),
    ("n is a text", "fault", snapshot([], n="0")),
    ("n is larger than anything", "fault", snapshot([], n=2**53 - 1)),
    ("cut short within its signature", "fault", snapshot(LIVE)[:-40]),
    ("no newline at its end", "fault", snapshot(LIVE, end=b"")),
    ("something follows its end", "fault", snapshot(LIVE, end=b"\nx")),
    ("no key", "fault", snapshot(LIVE, drop="key")),
    ("a key of 31 bytes", "fault", snapshot(LIVE, key=b64(K[:31]))),
    ("no base", "fault", snapshot(LIVE, drop="base")),
    ("no log", "fault", snapshot(LIVE, drop="log")),
    ("no lc", "fault", snapshot(LIVE, drop="lc")),
    ("no kinds", "fault", snapshot(LIVE, drop="kinds")),
    ("h of 31 bytes", "fault", snapshot(LIVE, h=b64(bytes(31)))),
    ("seq with a fraction", "fault", snapshot(LIVE, seq=7.5)),
    ("a header that is no object", "fault", b"[]\n"),
    ("empty", "fault", b""),
]

RECORDS = [
    ("a cut, and an until on the second", entry(0, ("sub", "ana"), T - 1000, T + 5000)),
    ("an until is rounded up to the next second", entry(0, ("sub", "ana"), T - 1000, T + 5001)),
    ("cut at the base", entry(0, ("sub", "ben"), T - 5000, T)),
    ("for ever", entry(0, ("jti", JTI), FOREVER, T + 899999)),
    ("the largest cut that is not for ever", entry(0, ("all",), T - 5000 + 2**32 - 2, T)),
]

# Heads, each after the first snapshot: the verdict is good, stale or fault.

HEADS = [
    ("where the snapshot ended", "good", head()),
    ("a number ahead that is missing: the chain is the same", "good", head(8, h=b64(H[7]))),
    ("lc ahead: it need not stand at an entry", "good", head(lc=T + DAY)),
    ("t before that of the snapshot's making: a clock was set back", "good", head(t=T - 7200000)),
    ("a member that is not on the page", "good", head(extra=None)),
    ("a type with its prefix, in other letters (RFC 7515 §4.1.9)", "good", head(typ="application/RevHead+JWT")),
    ("a kind that is not on the page", "stale", head(kinds=KINDS + ["org"])),
    ("fewer kinds", "good", head(kinds=["jti"])),
    ("seq behind", "fault", head(6)),
    ("lc behind", "fault", head(lc=T - 1001)),
    ("another chain at the same seq", "fault", head(h=b64(H[5]))),
    ("another chain ahead: an entry was dropped on the way", "fault", head(8)),
    ("of another log", "fault", head(log=NEXT_LOG)),
    ("of another issuer", "fault", head(iss="https://other.example.com")),
    ("of an issuer with a slash", "fault", head(iss=ISSUER + "/")),
    ("by a stranger", "fault", head(by=STRANGER)),
    ("by a stranger under the feed's kid", "fault", head(by=STRANGER, header={"kid": FEED.kid})),
    ("without a kid", "fault", head(header={"kid": None})),
    ("alg none", "fault", b64(compact({"alg": "none", "typ": "revhead+jwt", "kid": FEED.kid})) + "." + head().split(".")[1] + "."),
    ("of the type of a snapshot", "fault", head(typ="revsnap+jwt")),
    ("of the type of an access token", "fault", head(typ="at+jwt")),
    ("without a type", "fault", head(typ=None)),
    ("with a critical extension", "fault", head(header={"crit": ["x"], "x": 1})),
    ("with another payload under its signature", "fault", ".".join([head().split(".")[0], head(8).split(".")[1], head().split(".")[2]])),
    ("without t", "fault", head(drop="t")),
    ("t is a text", "fault", head(t=str(T))),
    ("without h", "fault", head(drop="h")),
    ("h with padding", "fault", head(h=b64(H[7]) + "=")),
    ("without kinds", "fault", head(drop="kinds")),
    ("without lc", "fault", head(drop="lc")),
    ("seq is a text", "fault", head(seq="7", h=b64(H[7]), lc=T - 1000)),
    ("a member twice", "fault", FEED.sign("revhead+jwt", compact({"iss": ISSUER, "log": LOG, "seq": 7, "lc": T - 1000, "t": T, "h": b64(H[7]), "kinds": KINDS})[:-1] + b',"seq":7}')),
    ("no JWS", "fault", "x"),
    ("empty", "fault", ""),
]

# Batches: the data of rv events, each after the first snapshot.


def wire(e):
    return [e["seq"], e["name"], e["cut"], e["until"]]


def rv(*entries, seq=None, **more):
    return compact({"seq": seq or entries[-1]["seq"], "ask": False, "entries": [wire(e) for e in entries], **more}).decode()


E8 = ENTRIES[5]
BATCHES = [
    ("one entry", "good", rv(E8)),
    ("entries, and missing numbers between and after them", "good", rv(ENTRIES[5], ENTRIES[7], seq=12)),
    ("missing numbers alone", "good", '{"seq":8,"ask":false,"entries":[]}'),
    ("it asks for a receipt", "good", rv(E8).replace("false", "true")),
    ("a member that is not on the page", "good", rv(E8, extra=1)),
    ("a cut exactly three days ahead", "good", rv(entry(8, ("sub", "ana"), T + 3 * DAY, T + 4 * DAY))),
    ("a cut more than three days ahead", "fault", rv(entry(8, ("sub", "ana"), T + 3 * DAY + 1, T + 4 * DAY))),
    ("an entry twice", "fault", rv(E8, E8)),
    ("an entry that was there before", "fault", rv(ENTRIES[4], seq=8)),
    ("entries out of order", "fault", rv(ENTRIES[6], ENTRIES[5], seq=9)),
    ("seq below that of its last entry", "fault", rv(ENTRIES[5], ENTRIES[6], seq=8)),
    ("seq behind the snapshot", "fault", '{"seq":6,"ask":false,"entries":[]}'),
    ("a name in capitals", "fault", '{"seq":8,"ask":false,"entries":[[8,"00000000000000AB",1,2]]}'),
    ("a name of 15 digits", "fault", '{"seq":8,"ask":false,"entries":[[8,"00000000000000a",1,2]]}'),
    ("a name as a number", "fault", '{"seq":8,"ask":false,"entries":[[8,7,1,2]]}'),
    ("a cut as a text", "fault", '{"seq":8,"ask":false,"entries":[[8,"00000000000000ab","1",2]]}'),
    ("a cut beyond 2^53 - 1", "fault", '{"seq":8,"ask":false,"entries":[[8,"00000000000000ab",9223372036854775807,2]]}'),
    ("a cut below zero", "fault", '{"seq":8,"ask":false,"entries":[[8,"00000000000000ab",-1,2]]}'),
    ("a seq as a text", "fault", '{"seq":8,"ask":false,"entries":[["8","00000000000000ab",1,2]]}'),
    ("an entry of three values", "fault", '{"seq":8,"ask":false,"entries":[[8,"00000000000000ab",1]]}'),
    ("an entry of five values", "fault", '{"seq":8,"ask":false,"entries":[[8,"00000000000000ab",1,2,3]]}'),
    ("an entry that is an object", "fault", '{"seq":8,"ask":false,"entries":[{}]}'),
    ("no seq", "fault", '{"ask":false,"entries":[]}'),
    ("cut short", "fault", rv(E8)[:-3]),
    ("no object", "fault", "7"),
]


# A whole stream after the first snapshot, and what is known at its end.


def event(kind, data, at=None):
    return f"event: {kind}\n" + (f"id: {LOG}.{at}\n" if at else "") + f"data: {data}\n\n"


STREAM = (
    event("hb", head())
    + ": a comment\n\n"
    + event("rv", rv(ENTRIES[5], ENTRIES[6]), 9)
    + event("hb", head(9))
    + event("of a later version", "x")
    + event("rv", rv(ENTRIES[7]), 10)
    + event("rv", '{"seq":11,"ask":true,"entries":[]}', 11)
    + event("hb", head(11, h=b64(H[10])))
)

TABLE = {
    name("sub", "ana"): T - 500,
    name("kid", "oldKey"): FOREVER,
    name("consent", "ben", "shop"): T - 4000,
    name("sid", SID): FOREVER,
    name("aud", "https://stock.example.com"): T,
    name("jti", "gone"): None,
    name("sub", "ben"): None,
    name("client", "shop"): None,
    name("all"): None,
}

# Decisions about tokens whose signature, type and times are good, after the stream.


def token(about, verdict, kid="newKey", drop=None, **changes):
    claims = {"iss": ISSUER, "sub": "ben", "aud": AUDIENCE, "client_id": "app", "iat": T // 1000 - 60, "exp": T // 1000 + 840,
              "jti": JTI, "sid": "other", "gid": GID, "rvs": T - 60000}
    claims.update(changes)
    if drop:
        del claims[drop]
    return {"about": about, "verdict": verdict, "kid": kid, "claims": claims}


DECISIONS = [
    token("nothing of it was revoked", "alive"),
    token("a user that was cut after it", "dead", sub="ana", rvs=T - 501),
    token("a user that was cut at it", "alive", sub="ana", rvs=T - 500),
    token("a session that ended", "dead", sid=SID),
    token("a session that ended, and rvs as large as can be", "dead", sid=SID, rvs=2**53 - 1),
    token("signed with a key that was compromised", "dead", kid="oldKey"),
    token("a consent that was taken back after it", "dead", client_id="shop", rvs=T - 4001),
    token("a consent that was taken back before it", "alive", client_id="shop", rvs=T - 4000),
    token("another user's consent to the same client", "alive", sub="cleo", client_id="shop", rvs=T - 5000),
    token("one audience of two was taken out", "dead", aud=[AUDIENCE, "https://stock.example.com"]),
    token("a jti whose entry has expired", "alive", jti="gone"),
    token("no session and no grant", "alive", drop="sid"),
    token("rvs 0", "alive", rvs=0),
    token("rvs 0, and a user that was cut", "dead", sub="ana", rvs=0),
    token("no rvs", "refused", drop="rvs"),
    token("rvs below zero", "refused", rvs=-1),
    token("rvs beyond 2^53 - 1", "refused", rvs=2**53),
    token("rvs with a fraction", "refused", rvs=T + 0.5),
    token("rvs as a text", "refused", rvs=str(T)),
    token("bound to a key, whose possession is not checked", "refused", cnf={"jkt": "x"}),
    token("for another API", "refused", aud="https://stock.example.com"),
    token("of another issuer", "refused", iss="https://other.example.com"),
    token("a session that is a number", "refused", sid=7),
    token("an empty session", "refused", sid=""),
    token("no jti", "refused", drop="jti"),
    token("no client_id", "refused", drop="client_id"),
]

# States: 10 s not shortened and not lengthened by chance.


def state(about, want, since, clock, t=T, stale=False):
    return {"about": about, "since_head": since, "clock": clock, "t": t, "unfit": stale, "state": want}


STATES = [
    state("at once", "live", 0, T),
    state("just below 10 s", "live", 9999, T + 9999),
    state("10 s", "stale", 10000, T + 10000),
    state("just below 55 s", "stale", 54999, T + 54999),
    state("55 s", "expired", 55000, T + 55000),
    state("the head took 14.999 s on its way, or clocks differ by that", "live", 0, T + 14999),
    state("the head took 15 s", "stale", 0, T + 15000),
    state("the head took 60 s", "expired", 0, T + 60000),
    state("our clock is behind by an hour: the monotonic one counts", "stale", 10000, T - 3600000),
    state("our clock is behind by an hour", "live", 9999, T - 3600000),
    state("something did not fit, or a kind is unknown", "stale", 0, T, stale=True),
    state("that, and 55 s", "expired", 55000, T + 55000, stale=True),
]

EXPIRY = [
    {"about": about, "since_head": since, "clock": clock, "t": T, "exp": T // 1000 + 10, "leeway": 30, "expired": expired}
    for about, since, clock, expired in [
        ("within the leeway", 0, T + 39999, False),
        ("leeway over", 0, T + 40000, True),
        ("our clock is behind: the head's t and what has passed since count", 39999, T, False),
        ("our clock is behind, leeway over", 40000, T, True),
        ("our clock is ahead of the server's", 0, T + 40000, True),
    ]
]


# A story: what comes at which time (ms after T, by both our clocks), and where the
# verifier stands after it: its state, its cursor, the last seq that a head attested
# (null before the first), and which of these names are dead for a token of rvs 0.

ANA, SESSION, BEN, EVERYTHING = name("sub", "ana"), name("sid", SID), name("sub", "ben"), name("all")
RESTORED = entry(1, ("all",), T + DAY, T + 2 * DAY)
RH = b64(link(bytes(32), RESTORED))


def other(lc, seq=1, **changes):
    return dict(log=NEXT_LOG, seq=seq, lc=lc, h=RH, **changes)


def restored(lc):
    return snapshot([RESTORED], base=T - 5000, **other(lc))


STORY = []


def step(about, at, want, cursor, attested, dead, **what):
    what = {k: base64.b64encode(v).decode() if isinstance(v, bytes) else v for k, v in what.items()}
    STORY.append({"about": about, "at": at, **what, "state": want, "cursor": cursor, "attested": attested, "dead": dead})


step("a snapshot alone vouches for nothing", 0, "init", LOG + ".7", None, [], snapshot=SNAPSHOTS[0][2])
step("its first head", 0, "live", LOG + ".7", 7, [ANA], hb=head())
step("entries count before their head", 1000, "live", LOG + ".8", 7, [ANA, SESSION], rv=rv(E8))
step("their head", 1000, "live", LOG + ".8", 8, [ANA, SESSION], hb=head(8, t=T + 1000))
step("silence", 11000, "stale", LOG + ".8", 8, [ANA, SESSION])
step("a head again", 11500, "live", LOG + ".8", 8, [ANA, SESSION], hb=head(8, t=T + 11500))
step("the same line once more, 10 s later, is no news", 21500, "stale", LOG + ".8", 8, [ANA, SESSION], hb=None)
STORY[-1]["hb"] = STORY[-2]["hb"]
step("an entry that is not in the chain counts until it is found out", 22000, "stale", LOG + ".9", 8, [ANA, SESSION, BEN],
     rv=rv(entry(9, ("sub", "ben"), T, T + 900000)))
step("the head gives it away", 22000, "stale", LOG + ".9", 8, [ANA, SESSION, BEN], hb=head(9, t=T + 22000))
step("an older snapshot of the log is not taken: below the attested seq", 22500, "stale", LOG + ".9", 8, [ANA, SESSION, BEN], snapshot=SNAPSHOTS[0][2])
step("the old table serves until a head attests the new one", 23000, "stale", LOG + ".9", 8, [ANA, SESSION, BEN],
     snapshot=snapshot(LIVE + ENTRIES[5:7], seq=9, lc=T, h=b64(H[9])))
step("that head: what was a lie is gone", 23000, "live", LOG + ".9", 9, [ANA, SESSION], hb=head(9, t=T + 23000))
step("a kind that is not on the page", 24000, "stale", LOG + ".9", 9, [ANA, SESSION], hb=head(9, t=T + 24000, kinds=KINDS + ["org"]))
step("and it is gone again", 25000, "live", LOG + ".9", 9, [ANA, SESSION], hb=head(9, t=T + 25000))
step("a head of another log", 26000, "stale", LOG + ".9", 9, [ANA, SESSION], hb=head(t=T + 26000, **other(T + DAY)))
step("a snapshot of another log whose lc is not above ours is not taken", 26000, "stale", LOG + ".9", 9, [ANA, SESSION], snapshot=restored(T))
step("one after a restore is", 26000, "stale", LOG + ".9", 9, [ANA, SESSION], snapshot=restored(T + DAY))
STORY[-1]["cursor"] = NEXT_LOG + ".1"
step("its head swaps table and log", 26000, "live", NEXT_LOG + ".1", 1, [EVERYTHING], hb=head(t=T + 26000, **other(T + DAY)))
step("a minute of silence", 90000, "expired", NEXT_LOG + ".1", 1, [EVERYTHING])
step("a head that was held back for a minute", 90000, "expired", NEXT_LOG + ".1", 1, [EVERYTHING], hb=head(t=T + 27000, **other(T + DAY)))
step("a head of now", 90000, "live", NEXT_LOG + ".1", 1, [EVERYTHING], hb=head(t=T + 90000, **other(T + DAY)))

EVENTS = [
    {"about": about, "text": text, "events": [{"event": e, "data": d} for e, d in events]}
    for about, text, events in [
        ("the three ways to end a line", "event: a\ndata: 1\n\nevent: b\r\ndata: 2\r\n\r\nevent: c\rdata: 3\r\r", [("a", "1"), ("b", "2"), ("c", "3")]),
        ("a byte order mark", "\ufeffdata: 1\n\n", [("", "1")]),
        ("one space after the colon is not of the value", "data:1\n\ndata:  2\n\n", [("", "1"), ("", " 2")]),
        ("data of several lines", "data: 1\ndata: 2\n\n", [("", "1\n2")]),
        ("comments, other fields, and a field without a colon", ": x\nid: 7\nretry: 1\nnope: 1\ndata\n\n", [("", "")]),
        ("an event without data is none, and its name goes with it", "event: a\n\ndata: 1\n\n", [("", "1")]),
        ("an event that the end comes before is none", "data: 1\n\nevent: a\ndata: 2\n", [("", "1")]),
    ]
]


def rows(cases, member, as_text=lambda v: v):
    return [{"about": a, "verdict": v, member: as_text(value)} for a, v, value in cases]


def main():
    print(json.dumps({
        "about": "Values for verifiers of docs/reference/revocation-feed.md, which says how to use them. Made by revocation.py beside this file.",
        "issuer": ISSUER, "audience": AUDIENCE, "log": LOG, "key": b64(K), "now": T,
        "jwks": {"keys": [{**FEED.jwk, "alg": "ES256", "use": "sig", "kid": FEED.kid}]},
        "names": [
            {"kind": kind, "parts": list(parts), "encoded": encode(kind, *parts).hex(), "name": name(kind, *parts)}
            for kind, *parts in [
                ("jti", JTI), ("sid", SID), ("gid", GID), ("kid", "oldKey"), ("sub", "ana"), ("sub", "Zoë 🦊"), ("sub", ""), ("sub", "x" * 300),
                ("client", "shop"), ("consent", "ben", "shop"), ("consent", "be", "nshop"), ("aud", "https://stock.example.com"), ("all",),
            ]
        ],
        "chain": CHAIN,
        "base": T - 5000,
        "records": [
            {"about": about, "record": record(T - 5000, e).hex(), "name": e["name"], "cut": e["cut"],
             "until": T - 5000 - (T - 5000 - e["until"]) // 1000 * 1000}
            for about, e in RECORDS
        ],
        "snapshots": rows(SNAPSHOTS, "body", lambda b: base64.b64encode(b).decode()),
        "heads": rows(HEADS, "head"),
        "batches": rows(BATCHES, "data"),
        "events": EVENTS,
        "stream": STREAM,
        "end": {"cursor": LOG + ".11", "h": b64(H[10]), "lc": T, "entries": 5},
        "table": [{"name": n, "cut": cut} for n, cut in TABLE.items()],
        "decisions": DECISIONS,
        "states": STATES,
        "expiry": EXPIRY,
        "story": STORY,
    }, indent=1, ensure_ascii=False))


main()
