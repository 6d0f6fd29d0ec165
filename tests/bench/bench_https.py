"""CPU of an https check with a certificate that is verified: sessions resumed as by default, and not."""
from frame import Figure
from targets import http_checks
from yard import run_cost_us

COUNT = 400


def measure(bench):
    for name, port in (("new", bench.nginx.tls), ("full", bench.nginx.tls_full)):
        checks = http_checks(port, bench.scale(COUNT), "1s", f'timeout: 5s, ca: "{bench.nginx.ca}"', "https")
        bench.say(f"triaged, {bench.scale(COUNT)} checks, {name}")
        mine = bench.repeat(lambda: run_cost_us(bench.build, checks, bench.seconds, settle=3))
        yield Figure(name, mine / 1000, "RSA-2048, verified")
