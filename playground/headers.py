"""The security headers of every answer."""

from playground.visits import Door


def security_headers(door: Door) -> list[tuple[bytes, bytes]]:
    """The headers of every answer. Gradio's page runs scripts of its own inline and makes functions of strings, so
    those two stay allowed; what is shut is every other host, plugins, foreign frames, base and form targets."""
    policy = ("default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
              "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' "
              "data: blob:; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; "
              f"frame-ancestors {door.framed_by}")
    headers = {"content-security-policy": policy, "referrer-policy": "same-origin", "x-content-type-options": "nosniff",
               "cross-origin-resource-policy": "same-origin",
               "permissions-policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()"}
    if door.framed_by == "'self'":
        headers["x-frame-options"] = "SAMEORIGIN"
    return [(name.encode(), value.encode()) for name, value in headers.items()]
