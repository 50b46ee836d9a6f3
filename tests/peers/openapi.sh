#!/bin/bash
# The description of the API, read by a validator that is not ours.
# openapi.sh BILLING PYTHON
set -euo pipefail
billing=$(realpath "$1") python=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo 'database = "billing.db"' > billing.toml
env GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=GET REQUEST_URI=/api/v1/openapi.json "$billing" portal |
    sed '1,/^\r$/d' > openapi.json
"$python" -m openapi_spec_validator openapi.json
