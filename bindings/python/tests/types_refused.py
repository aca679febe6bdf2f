# SPDX-License-Identifier: MIT OR Apache-2.0
"""What type checkers have to refuse, on each line that says so; test_types.py
asks them. It never runs."""

from fastapi import FastAPI
from flask import Flask
from starlette.middleware import Middleware

import libcors.asgi
import libcors.wsgi
from libcors import Policy

asgi, wsgi = FastAPI(), Flask(__name__)
policy = Policy("{}")
Policy(["https://a.example"])  # refused
Policy({1: ["https://a.example"]})  # refused
Policy(7)  # refused
libcors.asgi.CORSMiddleware(asgi)  # refused
libcors.asgi.CORSMiddleware(asgi, policy=None)  # refused
libcors.asgi.CORSMiddleware(asgi, allow_origins=["*"])  # refused
libcors.asgi.CORSMiddleware(asgi, ["*"])  # refused
libcors.asgi.CORSMiddleware(wsgi, policy)  # refused
libcors.wsgi.CORSMiddleware(wsgi)  # refused
libcors.wsgi.CORSMiddleware(asgi, policy)  # refused
libcors.wsgi.CORSMiddleware(wsgi, policy, True)  # refused
libcors.wsgi.CORSMiddleware(wsgi, report_only=True)  # refused
libcors.wsgi.CORSMiddleware(wsgi, policy=["*"])  # refused
asgi.add_middleware(libcors.asgi.CORSMiddleware)  # refused
asgi.add_middleware(libcors.asgi.CORSMiddleware, policy=7)  # refused
Middleware(libcors.asgi.CORSMiddleware, allow_origins=["*"])  # refused
