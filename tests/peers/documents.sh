#!/bin/bash
# E-invoices and PDFs before the official validators: bash tests/peers/documents.sh BILLING PYTHON. The
# Python has factur-x, saxonche, pikepdf and lxml; qpdf and poppler-utils are Debian's. Documents of
# every kind are made and checked, warnings of the rules included. Then one of each kind is broken in
# ways that are known: every one of them has to be found out.
set -euo pipefail
billing=$(realpath "$1")
python=$2
peers=$(realpath "$(dirname "$0")")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

"$python" "$peers/documents_matrix.py" "$billing" "$folder"
"$python" "$peers/documents.py" check "$folder/all" --strict
"$python" "$peers/documents.py" broken "$folder/few"
