# SPDX-License-Identifier: MIT OR Apache-2.0
"""What type checkers have to accept, as test_types.py asks them. It never
runs."""

import types
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

import falcon
import falcon.asgi
import uvicorn
from asgiref.typing import (
    ASGI3Application,
    ASGIReceiveCallable,
    ASGISendCallable,
)
from asgiref.typing import Scope as AsgirefScope
from fastapi import FastAPI
from flask import Flask
from litestar import Litestar
from litestar.middleware import DefineMiddleware
from pyramid.config import Configurator  # type: ignore[import-untyped]
from quart import Quart
from sanic import Sanic
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from libcors import Policy
from libcors.asgi import CORSMiddleware
from libcors.wsgi import CORSMiddleware as WSGI


class Rules(TypedDict, total=False):
    allow_origins: list[str]
    allow_credentials: bool


rules: Rules = {"allow_origins": ["*"]}
mapping: Mapping[str, object] = rules
proxy = types.MappingProxyType({"allow_origins": frozenset({"*"})})
literal: dict[str, list[str]] = {"allow_origins": ["*"]}
policy = Policy(rules)
Policy(mapping)
Policy(proxy)
Policy(literal)
Policy({"allow_origins": {"*"}})


async def bare(
    scope: AsgirefScope, receive: ASGIReceiveCallable, send: ASGISendCallable
) -> None: ...


CORSMiddleware(bare, policy=rules)
CORSMiddleware(FastAPI(), policy=policy)
CORSMiddleware(FastAPI(), policy=policy, report_only=True)
starlette: ASGIApp = CORSMiddleware(Starlette(), policy=Path("cors.json"))
CORSMiddleware(CORSMiddleware(Starlette(), policy), "cors.json")
Starlette(middleware=[Middleware(CORSMiddleware, policy=policy)])
FastAPI().add_middleware(CORSMiddleware, policy=policy)
FastAPI().add_middleware(CORSMiddleware, policy=policy, report_only=True)
litestar = Litestar()
CORSMiddleware(litestar, policy=proxy)
litestar.asgi_handler = CORSMiddleware(litestar.asgi_handler, policy=policy)
Litestar(middleware=[DefineMiddleware(CORSMiddleware, policy=policy)])
quart = Quart(__name__)
CORSMiddleware(quart, policy=mapping)
quart.asgi_app = CORSMiddleware(quart.asgi_app, policy=policy)  # type: ignore[method-assign]
CORSMiddleware(falcon.asgi.App(), policy=literal)
CORSMiddleware(Sanic("x"), policy=policy)
application: ASGI3Application = CORSMiddleware(bare, policy)
uvicorn.run(CORSMiddleware(bare, policy))
flask = Flask(__name__)
flask.wsgi_app = WSGI(flask.wsgi_app, policy=policy)  # type: ignore[method-assign]
WSGI(flask, policy=rules)
WSGI(falcon.App(), policy=rules)
WSGI(Configurator().make_wsgi_app(), policy=rules)
WSGI(WSGI(flask, policy), policy, report_only=True)
