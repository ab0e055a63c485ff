#!/usr/bin/env bash
# Makes what deploy/compose.yaml keeps secret, once: keys and passwords in deploy/.env, and in deploy/compose/secrets/ the coordinator's file of
# hashed tokens, the workers' token, and yours (role admin). Whoever can read them can do everything.
#
#   deploy/compose/secrets.sh [BASIN]     BASIN: the command that runs basin; `basin` if not given
set -euo pipefail
cd "$(dirname "$0")"
basin=${1:-basin}
[[ ! -e ../.env && ! -e secrets ]] || { echo "secrets.sh: deploy/.env or deploy/compose/secrets is there already" >&2; exit 1; }
umask 077
random() { od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'; }
mkdir secrets
"$basin" token create --role worker --name compose-worker --tokens secrets/tokens >secrets/worker-token
"$basin" token create --role admin --name "$(id -un)" --tokens secrets/tokens >secrets/admin-token
# The containers' user is another than you, and may read what it is given.
chmod 755 secrets
chmod 644 secrets/tokens secrets/worker-token
cat >../.env <<END
BASIN_S3_KEY=GK$(random 12)
BASIN_S3_SECRET=$(random 32)
BASIN_S3_RPC_SECRET=$(random 32)
BASIN_POSTGRES_PASSWORD=$(random 24)
END
