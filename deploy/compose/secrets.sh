#!/usr/bin/env bash
# Makes what deploy/compose.yaml keeps secret, once: keys and passwords in deploy/.env, and in deploy/compose/secrets/
#   admin-token     your token, of role admin
#   ca.crt, ca.key  an authority of this deployment's own, by which callers know the coordinators
#   coordinator/    the hashed tokens, and a certificate for the names under which coordinators are dialled
#   worker/         the workers' token, and the authority's certificate
# Whoever can read them can do everything. Needs openssl.
#
#   deploy/compose/secrets.sh [BASIN]     BASIN: the command that runs basin; `basin` if not given
set -euo pipefail
basin=${1:-basin}
# A path is the caller's, not this folder's.
[[ $basin != */* ]] || basin=$(realpath "$basin")
cd "$(dirname "$0")"
say() { echo "secrets.sh: $*" >&2; exit 1; }
[[ ! -e ../.env && ! -e secrets ]] || say "deploy/.env or deploy/compose/secrets is there already"
command -v openssl >/dev/null || say "openssl is needed (Debian: apt-get install openssl)"
umask 077
random() { od -An -N "$1" -tx1 /dev/urandom | tr -d ' \n'; }
mkdir -p secrets/{coordinator,worker}
"$basin" token create --role worker --name compose-worker --tokens secrets/coordinator/tokens >secrets/worker/token
"$basin" token create --role admin --name "$(id -un)" --tokens secrets/coordinator/tokens >secrets/admin-token
(
  cd secrets
  key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
  openssl req -x509 "${key[@]}" -days 3650 -subj "/CN=Basin authority" -keyout ca.key -out ca.crt
  openssl req "${key[@]}" -subj /CN=coordinator -keyout coordinator/tls.key -out request
  openssl x509 -req -in request -CA ca.crt -CAkey ca.key -CAcreateserial -days 825 -out coordinator/tls.crt \
    -extfile <(echo "subjectAltName=DNS:coordinator,DNS:standby,DNS:localhost,IP:127.0.0.1")
  rm request
  cp ca.crt worker/
) 2>secrets/openssl.log || { cat secrets/openssl.log >&2; exit 1; }
rm secrets/openssl.log
# The containers' user is another than you and may read what it is given. Others on this machine may not: they can't enter `secrets`.
chmod 755 secrets/{coordinator,worker}
chmod 644 secrets/{coordinator,worker}/*
cat >../.env <<ENV
BASIN_S3_KEY=GK$(random 12)
BASIN_S3_SECRET=$(random 32)
BASIN_S3_RPC_SECRET=$(random 32)
BASIN_POSTGRES_PASSWORD=$(random 24)
ENV
