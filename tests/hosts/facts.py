"""What the application behind every host answers."""

#: What the application sends with /items. None of its CORS headers may come
#: through, its Timing-Allow-Origin only if the policy has none, and its Vary is
#: completed, not repeated.
OWN = {
    "Access-Control-Allow-Origin": "https://evil.example",
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Allow-Private-Network": "true",
    "Access-Control-Expose-Headers": "*",
    "Timing-Allow-Origin": "https://evil.example",
    "TIMING-ALLOW-ORIGIN": "*",
    "Vary": "Accept-Encoding, Origin",
}

#: The two fields, joined as RFC 9110, section 5.3, allows.
OWN_TIMING = "https://evil.example, *"

#: The paths of the application and their statuses; all others are a 404.
STATUSES = {"/items": 200, "/health": 200, "/secret": 401, "/fault": 500}

#: What they answer, whatever the method; the others have no body.
BODIES = {"/items": b"[]\n", "/health": b"ok\n"}
