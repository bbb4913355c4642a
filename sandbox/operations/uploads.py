"""Uploads 2020-11-01: a destination for a file, and the storage behind it.

The storage is S3, as strict as a signed address makes it, and stricter where S3 would let a mistake
of ours pass: a header that is neither signed nor one that every client sends is refused.
"""

import hmac
from base64 import b64decode
from hashlib import md5, sha256

from sandbox.messages import Answer, json_answer, storage_error
from sandbox.operations.message_kinds import WITH_FILES
from sandbox.operations.offers import the_order
from sandbox.operations.parameters import invalid, one, the_marketplace
from sandbox.operations.routing import Call, State
from sandbox.randomness import draw, identifier
from sandbox.uploads import EXPIRES, Upload

_EVERYBODYS = frozenset(
    (
        "host",
        "user-agent",
        "accept",
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
    )
)


def create_destination(state: State, call: Call) -> Answer:
    """201 with an address that takes one file for 15 minutes; nothing is said of a bad digest yet."""
    request = call.request
    marketplace = the_marketplace(request, "contentMD5", "contentType")
    digest = one(request, "contentMD5")
    if not digest:
        raise invalid("contentMD5: Missing or invalid request parameter: contentMD5")
    if request.body:
        raise invalid("Invalid Input", "The operation takes no body.")
    message = request.path_parts[-1]
    if message not in WITH_FILES:
        raise invalid("resource: Invalid value.", message[:100])
    life = the_order(state, call)
    if marketplace != life.marketplace.id:
        raise invalid("marketplaceIds: Invalid value.", marketplace)
    upload = Upload(
        key=identifier(draw(state.world.plan.seed, "upload", len(state.uploads))),
        seller=call.partner.number,
        order_id=call.order_id,
        message=message,
        md5=digest,
        content_type=one(request, "contentType") or "",
        host=request.headers.get("host", "127.0.0.1"),
        until=int(call.now) + EXPIRES,
    )
    state.uploads[upload.key] = upload
    address = f"http://{upload.host}{upload.path}?{upload.query(state.world.client_secret)}"
    payload = {
        "uploadDestinationId": upload.key,
        "url": address,
        "headers": upload.headers,
    }
    return json_answer(201, {"payload": payload})


def refuse_encoded_slashes(state: State, call: Call) -> Answer:
    """400: a resource is a path, and its slashes are slashes."""
    raise invalid("resource: Invalid value.", call.order_id[:100])


def take_file(state: State, call: Call) -> Answer:
    """200 when the file is taken; else the storage's own error, and the file is not there."""
    request, upload = call.request, state.uploads.get(call.order_id)
    if upload is None:
        return storage_error(403, "AccessDenied", "Access Denied")
    if call.now > upload.until or (call.rule is not None and call.rule.kind == "expired"):
        return storage_error(403, "AccessDenied", "Request has expired")
    given = one(request, "X-Amz-Signature") or ""
    wanted = upload.signature(state.world.client_secret, request.headers)
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        return storage_error(403, "SignatureDoesNotMatch", "The signature does not match.")
    for name in request.headers:
        if upload.is_signed(name) or name in _EVERYBODYS:
            continue
        if name.startswith("x-amz-"):
            message = "There were headers present in the request which were not signed"
            return storage_error(403, "AccessDenied", message)
        return storage_error(400, "InvalidRequest", f"The sandbox does not want {name[:100]}.")
    if request.headers.get("content-type", "").startswith("multipart/"):
        return storage_error(400, "InvalidRequest", "The file is wanted as it is, not as a form.")
    if "content-length" not in request.headers:
        return storage_error(411, "MissingContentLength", "You must provide Content-Length.")
    digest = _digest(upload.md5)
    if digest is None:
        message = "The Content-MD5 you specified was invalid."
        return storage_error(400, "InvalidDigest", message)
    if md5(request.body, usedforsecurity=False).digest() != digest:
        message = "The Content-MD5 you specified did not match what we received."
        return storage_error(400, "BadDigest", message)
    upload.size, upload.sha256 = len(request.body), sha256(request.body).hexdigest()
    return Answer(200)


def refuse_method(state: State, call: Call) -> Answer:
    """405: a file is put there, and nothing else is done."""
    message = "The specified method is not allowed against this resource."
    return storage_error(405, "MethodNotAllowed", message)


def _digest(text: str) -> bytes | None:
    try:
        found = b64decode(text, validate=True)
    except ValueError:
        return None
    return found if len(found) == 16 else None
