#!/usr/bin/env bash
# prefect 3.9.1 (and 3.8.8) with orjson, both from PyPI.
#
# Seen: a flow run whose parameters hold an integer beyond 64 bits is created, run, read and written as JSON by the
# client's models (pydantic), digit for digit; but `prefect flow-run ls -o json` prints its list through orjson, which
# takes no such integer: the whole list ends in "TypeError: Integer exceeds 64-bit range", whichever server answered.
# So one such run keeps all others out of that listing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q prefect==3.9.1
export PREFECT_HOME="$folder/home" HOME="$folder"
said=$("$folder/venv/bin/python" - <<'PYTHON'
import inspect
from uuid import uuid4

import orjson
import prefect.cli.flow_run as cli
from prefect.client.schemas.objects import FlowRun

run = FlowRun(flow_id=uuid4(), parameters={"n": 202402144809161001040})
print('"n":202402144809161001040' in run.model_dump_json())
print("orjson.dumps(" in inspect.getsource(cli.ls))
try:
    orjson.dumps([run.model_dump(mode="json")])
except TypeError as error:
    print(error)
PYTHON
)
[ "$said" = $'True\nTrue\nInteger exceeds 64-bit range' ] || {
    printf 'changed:\n%s\n' "$said" >&2
    exit 1
}
echo "as described"
