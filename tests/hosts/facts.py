"""What the application behind every host answers."""

#: What the application sends of CORS with /items. None of it may come through,
#: and its Vary is completed, not repeated.
OWN = {
    "Access-Control-Allow-Origin": "https://evil.example",
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Allow-Private-Network": "true",
    "Access-Control-Expose-Headers": "*",
    "Vary": "Accept-Encoding, Origin",
}

#: The paths of the application and their statuses; all others are a 404.
STATUSES = {"/items": 200, "/health": 200, "/secret": 401, "/fault": 500}

#: What they answer, whatever the method; the others have no body.
BODIES = {"/items": b"[]\n", "/health": b"ok\n"}
