"""What a newcomer's script does: waits for Paddock, orders a database over its API, asks it something through psql.

    first-database.py HOST:PORT TOKEN PSQL
"""

import base64
import json
import subprocess
import sys
import time
import urllib.request

address, token, psql = sys.argv[1:]
authorization = "Basic " + base64.b64encode(f":{token}".encode()).decode()


def call(method, path, body=None):
    headers = {"Content-Type": "application/json", "Authorization": authorization}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://{address}{path}", data, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def until(what, seconds, ask):
    end = time.monotonic() + seconds
    while True:
        try:
            answer = ask()
            if answer:
                return answer
        except OSError as error:
            if time.monotonic() > end:
                raise SystemExit(f"{what}: {error}")
        if time.monotonic() > end:
            raise SystemExit(f"{what}: not within {seconds} s")
        time.sleep(0.2)


bearer = until("sign in", 600, lambda: call("POST", "/v1/tokens/exchange", {}))["token"]
authorization = f"Bearer {bearer}"
call("POST", "/v1/apps", {"app": {"name": "first"}})
call("POST", "/v1/apps/first/addons", {"addon": {"addon_provider_id": "postgresql", "plan_id": "postgresql-sandbox"}})


def url():
    variables = call("GET", "/v1/apps/first/variables?aliases=false")["variables"]
    return next((one["value"] for one in variables if one["name"] == "SCALINGO_POSTGRESQL_URL"), None)


asked = "SELECT ssl::text || ' ' || current_database() FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
found = until("a URL", 120, url)
# As the owner that its sessions become it may not see how its own session is encrypted.
told = subprocess.run([psql, found, "-AtXc", "SET ROLE NONE", "-c", asked], capture_output=True, text=True)
said = told.stdout.splitlines()
if told.returncode or said[-1].split()[0] != "true" or said[-1].split()[1] not in found:
    raise SystemExit(f"psql: {told.stdout}{told.stderr}")
