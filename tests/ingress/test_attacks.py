"""Nobody reads metrics whom they are not for, whatever is sent to the two hosts."""

from __future__ import annotations

import pytest

from tests.ingress.conftest import ALLOWED, APP_HOST, METRICS_HOST, STRANGER, Cluster
from tests.ingress.running import TOKEN

pytestmark = pytest.mark.network

PATHS = [
    "/metrics", "//metrics", "/./metrics", "/x/../metrics", "/x/%2e%2e/metrics", "/%6detrics", "/%2fmetrics", "/metrics/",
    "/metrics%2f", "/metrics;x", "/metrics;/", "/..;/metrics", "/METRICS", "/Metrics", "/metrics?x=1", "/metrics#x", "/metrics%00",
    "/metrics%20", "/metrics%3fx", "/metrics\t", "/\\metrics", "/%5cmetrics", "/static/../metrics", "/static/%2e%2e%2fmetrics",
    "/healthz/../metrics", "/:9464/metrics", "/@127.0.0.1:9464/metrics", "/livez", "//livez", "/livez/",
]  # fmt: skip
FALSE_HEADERS = [
    {"X_Forwarded_For": ALLOWED}, {"X_Forwarded_For": f"{ALLOWED}, {ALLOWED}"}, {"X_Real_IP": ALLOWED},
    {"Forwarded": f"for={ALLOWED};host={METRICS_HOST}"}, {"X_Forwarded_Host": METRICS_HOST}, {"X_Forwarded_Port": "9464"},
    {"X_Original_URL": "/metrics"}, {"X_Rewrite_URL": "/metrics"}, {"X_Forwarded_Prefix": "/metrics"},
    {"X_HTTP_Method_Override": "GET"}, {"True_Client_IP": ALLOWED}, {"X_Original_Forwarded_For": ALLOWED},
]  # fmt: skip
HOSTS = {
    "none in HTTP/1.0": "GET /metrics HTTP/1.0\r\n\r\n",
    "none in HTTP/1.1": "GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n",
    "empty": "GET /metrics HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n",
    "two": f"GET /metrics HTTP/1.1\r\nHost: {APP_HOST}\r\nHost: {METRICS_HOST}\r\nConnection: close\r\n\r\n",
    "a list": f"GET /metrics HTTP/1.1\r\nHost: {APP_HOST}, {METRICS_HOST}\r\nConnection: close\r\n\r\n",
    "the hub's Service": "GET /metrics HTTP/1.1\r\nHost: metrics-hub:9465\r\nConnection: close\r\n\r\n",
    "a pod": "GET /metrics HTTP/1.1\r\nHost: fintech-pods:9464\r\nConnection: close\r\n\r\n",
    "an address": "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    "with a dot": f"GET /metrics HTTP/1.1\r\nHost: {METRICS_HOST}.\r\nConnection: close\r\n\r\n",
    "with a port": f"GET /metrics HTTP/1.1\r\nHost: {METRICS_HOST}:9464\r\nConnection: close\r\n\r\n",
    "the metrics host in the target": (
        f"GET https://{METRICS_HOST}/metrics HTTP/1.1\r\nHost: {APP_HOST}\r\nConnection: close\r\n\r\n"
    ),
    "the public host in the target": (
        f"GET https://{APP_HOST}/metrics HTTP/1.1\r\nHost: {METRICS_HOST}\r\nConnection: close\r\n\r\n"
    ),
    "as an authority": f"GET {METRICS_HOST}/metrics HTTP/1.1\r\nHost: {APP_HOST}\r\nConnection: close\r\n\r\n",
    "CONNECT": f"CONNECT {METRICS_HOST}:9465 HTTP/1.1\r\nHost: {METRICS_HOST}:9465\r\nConnection: close\r\n\r\n",
}
_BEHIND = f"GET /metrics HTTP/1.1\r\nHost: {METRICS_HOST}\r\nAuthorization: Bearer {TOKEN}\r\nX: "
_POST = f"POST /api/v1/tokens HTTP/1.1\r\nHost: {APP_HOST}\r\nContent-Type: application/json\r\n"
SMUGGLED = {
    "length before chunks": f"{_POST}Content-Length: {len(_BEHIND) + 5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{_BEHIND}",
    "chunks before length": f"{_POST}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n{len(_BEHIND):x}\r\n{_BEHIND}\r\n0\r\n\r\n",
    "two lengths": f"{_POST}Content-Length: 0\r\nContent-Length: {len(_BEHIND)}\r\n\r\n{_BEHIND}",
    "a blank before the colon": f"{_POST}Transfer-Encoding : chunked\r\nContent-Length: {len(_BEHIND)}\r\n\r\n{_BEHIND}",
    "an unknown coding": f"{_POST}Transfer-Encoding: xchunked\r\nContent-Length: {len(_BEHIND)}\r\n\r\n{_BEHIND}",
    "two codings": f"{_POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{_BEHIND}",
    "a tab": f"{_POST}Transfer-Encoding:\tchunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n{_BEHIND}",
    "lines without carriage return": f"{_POST}Transfer-Encoding: chunked\r\n\r\n0\n\n{_BEHIND}",
    "a length with a sign": f"{_POST}Content-Length: +{len(_BEHIND)}\r\n\r\n{_BEHIND}",
    "a folded header": f"{_POST}Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n{_BEHIND}",
    "a pipelined request": f"GET /healthz HTTP/1.1\r\nHost: {APP_HOST}\r\n\r\n{_BEHIND}\r\nConnection: close\r\n\r\n",
}


def hub_was_asked(cluster: Cluster) -> int:
    return sum(request["upstream"] == f"127.0.0.1:{cluster.hub.port}" for request in cluster.ingress.requests())


def test_prometheus_reads_and_a_reader_would_be_noticed(cluster: Cluster) -> None:
    """The other tests would prove nothing if metrics could not be told from anything else."""
    before = hub_was_asked(cluster)

    answers = cluster.client(ALLOWED).gets("/metrics", METRICS_HOST, Authorization=f"Bearer {TOKEN}")

    assert (answers.statuses, answers.has_metrics) == ([200], True)
    assert hub_was_asked(cluster) == before + 1


@pytest.mark.parametrize("source", [ALLOWED, STRANGER])
@pytest.mark.parametrize("path", PATHS)
def test_the_public_host_has_no_metrics_under_any_spelling(cluster: Cluster, source: str, path: str) -> None:
    before = hub_was_asked(cluster)

    answers = cluster.client(source).gets(path, APP_HOST, Authorization=f"Bearer {TOKEN}")

    assert not answers.has_metrics
    assert all(400 <= status < 500 for status in answers.statuses), answers.statuses
    assert hub_was_asked(cluster) == before


@pytest.mark.parametrize("headers", FALSE_HEADERS, ids=lambda headers: next(iter(headers)))
def test_false_headers_open_nothing(cluster: Cluster, headers: dict[str, str]) -> None:
    before, stranger = hub_was_asked(cluster), cluster.client(STRANGER)

    public = stranger.gets("/metrics", APP_HOST, Authorization=f"Bearer {TOKEN}", **headers)
    rewritten = stranger.gets("/healthz", APP_HOST, Authorization=f"Bearer {TOKEN}", **headers)
    metrics = stranger.gets("/metrics", METRICS_HOST, Authorization=f"Bearer {TOKEN}", **headers)

    assert [public.has_metrics, rewritten.has_metrics, metrics.has_metrics] == [False] * 3
    assert (public.statuses, rewritten.statuses, metrics.statuses) == ([404], [200], [403])
    assert hub_was_asked(cluster) == before


@pytest.mark.parametrize("path", PATHS)
def test_a_stranger_gets_nothing_from_the_metrics_host_even_with_the_token(cluster: Cluster, path: str) -> None:
    before = hub_was_asked(cluster)

    answers = cluster.client(STRANGER).gets(path, METRICS_HOST, Authorization=f"Bearer {TOKEN}")

    assert not answers.has_metrics
    assert set(answers.statuses) <= {400, 403, 404}
    assert hub_was_asked(cluster) == before


def test_a_stranger_is_forbidden_the_path_itself(cluster: Cluster) -> None:
    assert cluster.client(STRANGER).gets("/metrics", METRICS_HOST).statuses == [403]


@pytest.mark.parametrize("authorization", ["", "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}"])
def test_prometheus_address_alone_is_not_enough(cluster: Cluster, authorization: str) -> None:
    answers = cluster.client(ALLOWED).gets("/metrics", METRICS_HOST, Authorization=authorization)

    assert (answers.statuses, "# TYPE" in answers.text) == ([401], False)


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/metrics/", "/metrics/x", "/admin/faults", "/api/v1/me"])
def test_the_metrics_host_has_one_path(cluster: Cluster, path: str) -> None:
    answers = cluster.client(ALLOWED).gets(path, METRICS_HOST, Authorization=f"Bearer {TOKEN}")

    assert answers.statuses == [404]


@pytest.mark.parametrize("request_text", HOSTS.values(), ids=HOSTS)
def test_no_trick_with_the_host_lets_a_stranger_in(cluster: Cluster, request_text: str) -> None:
    before = hub_was_asked(cluster)

    answers = cluster.client(STRANGER).says(request_text.encode())

    assert not answers.has_metrics
    assert set(answers.statuses) <= {400, 403, 404, 405}
    assert hub_was_asked(cluster) == before


@pytest.mark.parametrize("request_text", SMUGGLED.values(), ids=SMUGGLED)
def test_nothing_is_smuggled_past_the_ingress(cluster: Cluster, request_text: str) -> None:
    before, stranger = hub_was_asked(cluster), cluster.client(STRANGER)

    answers = stranger.says(request_text.encode())
    # Whoever comes next over the same connection to the backend must get their own answer.
    following = [stranger.gets("/healthz", APP_HOST).statuses for _ in range(3)]

    assert not answers.has_metrics
    assert following == [[200]] * 3
    assert hub_was_asked(cluster) == before
