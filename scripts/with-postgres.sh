#!/usr/bin/env bash
# `scripts/with-postgres.sh COMMAND…` runs a command beside a PostgreSQL server of its own, from Debian's
# packages, in a temporary folder and on a unix socket; the command finds it by DATABASE_URL. With
# DATABASE_URL set it only runs the command. The server and its data are gone when the command ends.
# SIGUSR1 stops the server as a crash would, SIGUSR2 starts it again (tests of outages).
set -euo pipefail

if [[ -n ${DATABASE_URL:-} && -z ${COUNTERSIGN_OWN_POSTGRES:-} ]]; then
  exec "$@"
fi

say() { printf 'with-postgres: %s\n' "$*" >&2; }

bin=
for candidate in /usr/lib/postgresql/*/bin; do
  # The last is the newest: versions have two digits.
  [[ -x $candidate/initdb && -x $candidate/postgres ]] && bin=$candidate
done
if [[ -z $bin ]]; then
  say "PostgreSQL is missing (looked in /usr/lib/postgresql/*/bin); install it with scripts/install-test-deps.sh as root, or apt-get install postgresql, or name a server with DATABASE_URL"
  exit 2
fi

folder=$(mktemp -d "${TMPDIR:-/tmp}/countersign-postgres.XXXXXX")
data=$folder/data log=$folder/log
server=

# PostgreSQL refuses to run as root.
as=()
if [[ $(id -u) -eq 0 ]]; then
  user=postgres
  getent passwd "$user" >/dev/null || user=nobody
  chown "$user" "$folder"
  as=(setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups --inh-caps=-all)
fi

stop() {
  if [[ -n $server ]]; then
    # SIGQUIT ends it at once, as a crash would: nothing here has to be kept.
    kill -QUIT "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=
  fi
}

start() {
  # In a process group of its own: an interrupt of the terminal is for the command.
  setsid "${as[@]}" "$bin/postgres" -D "$data" -k "$folder" -c listen_addresses= -c max_connections=300 \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=64MB \
    -c autovacuum=off >>"$log" 2>&1 </dev/null &
  server=$!
  for ((tries = 0; tries < 300; tries++)); do
    if PGPASSWORD=$password "$bin/pg_isready" -q -h "$folder" -U countersign -d postgres; then
      # In a trap `return` alone would be what the trap interrupted.
      return 0
    fi
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  cat "$log" >&2
  say "PostgreSQL did not start; its output is above"
  exit 2
}

end() {
  [[ -z $command ]] || kill "$command" 2>/dev/null || true
  stop
  rm -rf "$folder"
}
command=
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap stop USR1
trap start USR2

password=countersign-tests
printf '%s\n' "$password" >"$folder/password"
chmod 644 "$folder/password"
# Texts in another order than SQLite has them: what depends on it fails here.
if ! (cd "$folder" && "${as[@]}" "$bin/initdb" -D "$data" -U countersign --auth=scram-sha-256 --pwfile="$folder/password" \
  --encoding=UTF8 --locale=C.UTF-8 --locale-provider=icu --icu-locale=en --no-sync --no-instructions) >"$log" 2>&1; then
  cat "$log" >&2
  say "initdb failed; its output is above"
  exit 2
fi
start

encoded=${folder//\//%2F}
# Nobody has to wait until a database is dropped.
export COUNTERSIGN_POSTGRES_IS_TEMPORARY=1
export DATABASE_URL="postgres://countersign:$password@$encoded/postgres"
"$@" <&0 &
command=$!
status=0
# A trapped signal ends a wait; the command goes on.
while true; do
  wait "$command" && status=0 || status=$?
  kill -0 "$command" 2>/dev/null || break
done
exit "$status"
