"""A stand-in for a Kubernetes API server: lists pods, and proxies to their metrics for those who show the token.

It knows the three requests that Prometheus makes (list, watch, proxy) and nothing else. A cluster's real one is not run here.
"""

from __future__ import annotations

import json
import ssl
import threading
import urllib.request
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.ingress.running import TOKEN
from tests.mailbox.certificates import Certificate

PORT = 9464
NAMESPACE = "fintech"
_INVALID = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Invalid", "code": 422}


class ApiServer:
    """The stand-in, listening.

    Args:
        pods: Name -> URL of its metrics.
        certificate: What it shows.
    """

    def __init__(self, pods: Mapping[str, str], certificate: Certificate) -> None:
        self.pods = dict(pods)
        self.stopped = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate.certificate, certificate.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"https://localhost:{self.server.server_address[1]}"

    def stop(self) -> None:
        self.stopped.set()
        self.server.shutdown()
        self.server.server_close()

    def listed(self) -> dict[str, Any]:
        return {
            "kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"},
            "items": [_pod(name, number) for number, name in enumerate(sorted(self.pods), 1)],
        }  # fmt: skip


def _pod(name: str, number: int) -> dict[str, Any]:
    ports = [{"name": "http", "containerPort": 8080}, {"name": "http-metrics", "containerPort": PORT}]
    return {
        "metadata": {"name": name, "namespace": NAMESPACE, "uid": name, "labels": {"app.kubernetes.io/name": "fintech"}},
        "spec": {"containers": [{"name": "fintech", "image": "fintech", "ports": ports}], "nodeName": "node"},
        "status": {"phase": "Running", "podIP": f"10.0.0.{number}", "podIPs": [{"ip": f"10.0.0.{number}"}]},
    }


def _handler(api: ApiServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url, list_of_pods = urlsplit(self.path), f"/api/v1/namespaces/{NAMESPACE}/pods"
            asked = parse_qs(url.query)
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self.answer(401, "application/json", b'{"kind": "Status", "code": 401}')
            elif url.path == list_of_pods and asked.get("labelSelector") != ["app.kubernetes.io/name=fintech"]:
                self.answer(400, "text/plain", b"another selector than the pods' own")
            elif url.path == list_of_pods and "sendInitialEvents" in asked:
                # As servers before 1.32 do: the client lists then, and watches from there.
                self.answer(422, "application/json", json.dumps(_INVALID).encode())
            elif url.path == list_of_pods and "watch" in asked:
                self.watch()
            elif url.path == list_of_pods:
                self.answer(200, "application/json", json.dumps(api.listed()).encode())
            else:
                self.proxy(url.path.removeprefix(f"{list_of_pods}/"))

        def watch(self) -> None:
            """Tell of no change until the end."""
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            api.stopped.wait()
            self.close_connection = True

        def proxy(self, path: str) -> None:
            metrics = {f"{name}:{PORT}/proxy/metrics": url for name, url in api.pods.items()}
            if path not in metrics:
                self.answer(404, "text/plain", b"no such pod")
                return
            asked = urllib.request.Request(metrics[path], headers={"Accept": self.headers.get("Accept", "")})
            with urllib.request.urlopen(asked, timeout=5) as answer:
                self.answer(200, answer.headers["Content-Type"], answer.read())

        def answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
