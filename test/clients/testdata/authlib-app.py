"""An application on Flask with Authlib, and an API that it protects with Authlib, as
Authlib's documentation says to write them. Like story.mjs it is told in
MINTMARK_CLIENT what it is, prints what it has done, and asks whoever started it to be
its user's browser and the server's operator. Its own address is one behind a proxy."""

import json
import os
from urllib.parse import urlsplit

import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.flask_client import OAuth
from authlib.integrations.flask_oauth2 import ResourceProtector, current_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from flask import Flask, jsonify, redirect, session
from joserfc.jwk import ECKey

given = json.loads(os.environ["MINTMARK_CLIENT"])
confidential = given["method"] != "none"
metadata_url = given["issuer"] + "/.well-known/openid-configuration"
metadata = requests.get(metadata_url, timeout=30).json()
scope = "openid profile email offline_access orders:read"


def open_in_browser(address):
    print("open", address, flush=True)
    return input()


def done(step):
    print("done", step, flush=True)


# The way in which the client authenticates.
authentication = {
    "client_secret": given.get("client_secret"),
    "client_kwargs": {"token_endpoint_auth_method": given["method"]},
}
if given["method"] == "private_key_jwt":
    authentication["client_secret"] = ECKey.import_key(given["private_jwk"])
    authentication["client_auth_methods"] = [
        PrivateKeyJWT(metadata["token_endpoint"], alg="ES256", headers={"kid": given["private_jwk"]["kid"]})
    ]

app = Flask(__name__)
app.secret_key = "of a test"
oauth = OAuth(app)
oauth.register(
    "mintmark",
    client_id=given["client_id"],
    server_metadata_url=metadata_url,
    authorize_params={"resource": given["api"]},
    **authentication
    | {"client_kwargs": authentication["client_kwargs"] | {"scope": scope, "code_challenge_method": "S256"}},
)


@app.route("/login")
def login():
    return oauth.mintmark.authorize_redirect(given["callback"])


@app.route("/silent")
def silent():
    return oauth.mintmark.authorize_redirect(given["callback"], prompt="none")


@app.route("/callback")
def callback():
    try:
        token = oauth.mintmark.authorize_access_token()
    except OAuthError as error:
        return jsonify(error=error.error), 403
    session["user"] = token["userinfo"]
    return jsonify(token)


@app.route("/logout")
def logout():
    session.pop("user")
    return oauth.mintmark.logout_redirect(given["goodbye"], id_token_hint=latest["id_token"])


@app.route("/goodbye")
def goodbye():
    oauth.mintmark.validate_logout_response()
    return redirect("/")


class Validator(JWTBearerTokenValidator):
    def get_jwks(self):
        return requests.get(metadata["jwks_uri"], timeout=30).json()


require_oauth = ResourceProtector()
require_oauth.register_token_validator(Validator(issuer=given["issuer"], resource_server=given["api"]))


@app.route("/orders")
@require_oauth("orders:read")
def orders():
    return jsonify(sub=current_token["sub"], client_id=current_token["client_id"])


browser = app.test_client()  # keeps the application's cookies


def path_of(address):
    parts = urlsplit(address)
    return parts.path + "?" + parts.query


def sign_in(way):
    back = open_in_browser(browser.get(way).headers["Location"])
    assert back.startswith(given["callback"] + "?"), back
    return browser.get(path_of(back))


def call(token):
    return browser.get("/orders", headers={"Authorization": "Bearer " + token})


answer = sign_in("/silent")
assert (answer.status_code, answer.json) == (403, {"error": "login_required"}), answer.json
done("prompt=none says that nobody is signed in")

answer = sign_in("/login")
assert answer.status_code == 200, answer.json
latest = answer.json
assert latest["userinfo"]["sub"] == given["sub"]
done("code with PKCE, state and nonce")

if confidential:
    assert sign_in("/silent").status_code == 200
    done("prompt=none")
else:  # RFC 8252 §8.6: nothing assures who this is
    assert sign_in("/silent").json == {"error": "consent_required"}
    done("prompt=none for a client that anybody could be")

api_session = OAuth2Session(
    given["client_id"],
    authentication["client_secret"],
    scope=scope,
    token=latest,
    revocation_endpoint_auth_method=given["method"],
    **authentication["client_kwargs"],
    **metadata,
)
for method in authentication.get("client_auth_methods", []):
    api_session.register_client_auth_method(method)

user = api_session.get(metadata["userinfo_endpoint"]).json()
assert (user["sub"], user["email"]) == (given["sub"], given["email"]), user
done("userinfo")

answer = call(latest["access_token"])
assert answer.json == {"sub": given["sub"], "client_id": given["client_id"]}, answer.data
assert call(latest["id_token"]).status_code == 401
done("an API takes the access token by RFC 9068, and no ID token")

renewed = api_session.refresh_token(metadata["token_endpoint"])
assert renewed["access_token"] != latest["access_token"]
assert call(renewed["access_token"]).status_code == 200
with app.test_request_context():
    claims = oauth.mintmark.parse_id_token(renewed, nonce=None)
assert claims["sub"] == given["sub"] and claims["auth_time"] == latest["userinfo"]["auth_time"]
done("refresh")

if confidential:
    told = api_session.introspect_token(metadata["introspection_endpoint"], token=renewed["access_token"]).json()
    assert told["active"] and told["sub"] == given["sub"], told
    done("introspection")

    own = OAuth2Session(given["client_id"], authentication["client_secret"], **authentication["client_kwargs"])
    for method in authentication.get("client_auth_methods", []):
        own.register_client_auth_method(method)
    token = own.fetch_token(
        metadata["token_endpoint"], grant_type="client_credentials", scope="orders:read", resource=given["api"]
    )
    assert call(token["access_token"]).json["sub"] == given["client_id"]
    done("client_credentials")

# Authlib keeps the keys until it meets one that it does not know.
print("rotate", flush=True)
input()
kept = json.dumps(oauth.mintmark.server_metadata["jwks"])
turned = sign_in("/login")
assert turned.status_code == 200, turned.json
assert json.dumps(oauth.mintmark.server_metadata["jwks"]) == kept
latest = turned.json
done("the keys turn under a client that keeps them")

back = open_in_browser(browser.get("/logout").headers["Location"])
assert back.startswith(given["goodbye"] + "?state="), back
assert browser.get(path_of(back)).status_code == 302
assert sign_in("/silent").json == {"error": "login_required"}
done("logout")

assert api_session.refresh_token(metadata["token_endpoint"])["access_token"]
done("offline access goes on")

answer = api_session.revoke_token(metadata["revocation_endpoint"], token=api_session.token["refresh_token"])
assert answer.status_code == 200, answer.text
try:
    api_session.refresh_token(metadata["token_endpoint"])
    raise AssertionError("a revoked refresh token is still good")
except OAuthError as error:
    assert error.error == "invalid_grant", error
done("revocation")
