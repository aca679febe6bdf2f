#!/bin/sh
# pytest.sh ARGUMENT...: pytest of the first Python in the path, or Debian's
# if that one has none.
python=python3
$python -c 'import pytest' 2>/dev/null || python=/usr/bin/python3
exec $python -m pytest -q -p no:cacheprovider "$@"
