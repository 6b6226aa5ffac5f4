"""From where a request comes, as limits count it: households of IPv6, ports, proxies, and Gradio's tunnel."""

import pytest

from playground import settings, visits
from tests.test_gatekeeper import JOIN, UPLOAD, Page

TUNNEL = {"host": "abc.gradio.live", "peer": "127.0.0.1"}


@pytest.mark.parametrize(("address", "counted"), [
    ("1.2.3.4", "1.2.3.4"), ("1.2.3.4:5678", "1.2.3.4"), ("::ffff:1.2.3.4", "1.2.3.4"),
    ("[::ffff:1.2.3.4]:80", "1.2.3.4"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    ("[2001:db8:1:2:ffff::1]:443", "2001:db8:1:2::/64"), ("2001:db8:1:3::", "2001:db8:1:3::/64"),
    ("fe80::1%eth0", "fe80::/64"), ("unknown", "unknown"), ("", ""), ("x" * 9000, "x" * 64)])
def test_what_counts_as_one_address(address, counted):
    assert visits.place(address) == counted


@pytest.mark.parametrize(("path", "method"), [(UPLOAD, "POST"), (JOIN, "POST"), ("/gradio_api/heartbeat/s", "GET")])
def test_a_household_has_one_share_of_every_limit_by_address(path, method):
    page = Page(changes="uploads=1,joins_address=1,joins=1")
    sent = [page.ask(path, method, peer=f"2001:db8:1:{net}::{host:x}").status for net, host in
            ((2, 1), (2, 2), (2, 0xffff), (3, 1))]
    assert sent == [200, 429, 429, 200]
    assert page.ask(path, method, peer="1.2.3.4").status == 200
    assert page.ask(path, method, peer="::ffff:1.2.3.4").status == 429


def test_a_proxy_is_known_by_its_ipv4_address_within_ipv6():
    page = Page(changes="joins_address=1", trusted=settings.parse_networks("127.0.0.1"))
    assert [page.join("s", peer="::ffff:127.0.0.1", x_forwarded_for=address).status
            for address in ("1.1.1.1", "2.2.2.2", "1.1.1.1")] == [200, 200, 429]


def tunnelled(changes):
    page = Page(changes=changes)
    page.door.shared = TUNNEL["host"]
    return page


def test_those_behind_the_tunnel_are_told_apart():
    page = tunnelled("joins_address=1")
    assert [page.join("s", x_forwarded_for=chain, **TUNNEL).status for chain in
            ("1.1.1.1, 9.9.9.9", "1.1.1.1, 9.9.9.9", "2.2.2.2, 9.9.9.9")] == [200, 429, 200]
    assert page.join("s", peer="127.0.0.1").status == 200  # this machine itself


@pytest.mark.parametrize("elsewhere", [{"peer": "192.168.1.7"}, {"host": "x.org"}])
def test_only_the_tunnels_own_requests_are(elsewhere):
    page = tunnelled("joins_address=1")
    assert [page.join("s", x_forwarded_for=chain, **{**TUNNEL, **elsewhere}).status
            for chain in ("1.1.1.1", "2.2.2.2")] == [200, 429]


def test_what_the_tunnel_forwards_is_believed_for_nothing_else():
    forged = {"x_forwarded_for": "9.9.9.9", "x_forwarded_host": "evil.com", "x_real_ip": "9.9.9.9"}
    assert set(tunnelled("").ask(**TUNNEL, **forged).json["headers"]) == {"host"}


def test_a_long_chain_costs_no_memory():
    page = tunnelled("")
    page.join("s", x_forwarded_for="1.1.1.1, " * 5000, **TUNNEL)
    assert max(len(key) for key in page.app.joins_address._buckets) < 64
