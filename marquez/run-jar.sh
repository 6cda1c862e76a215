#!/usr/bin/env bash
# Runs the real Marquez without Docker: its jar, Java 17 and a PostgreSQL that is already there.
#
#   MARQUEZ_JAR=marquez-api-0.51.1.jar marquez/run-jar.sh
#
# Settings come from marquez/marquez.env (user, database, password) and the environment
# (POSTGRES_HOST, POSTGRES_PORT, MARQUEZ_PORT, MARQUEZ_ADMIN_PORT), which wins.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

jar="${MARQUEZ_JAR:?name the jar: MARQUEZ_JAR=marquez-api-0.51.1.jar}"
[ -f "$jar" ] || { echo "There is no file $jar." >&2; exit 2; }
command -v java >/dev/null || { echo "Java 17 is missing." >&2; exit 2; }

if [ -f "$here/marquez.env" ]; then
  while IFS='=' read -r name value; do
    [[ "$name" =~ ^[A-Z_]+$ ]] || continue
    [ -n "${!name:-}" ] || export "$name=$value"
  done <"$here/marquez.env"
fi
[ -n "${POSTGRES_PASSWORD:-}" ] || {
  echo "Set POSTGRES_PASSWORD, or copy marquez.env.example to marquez.env and fill it in." >&2
  exit 2
}

export SEARCH_ENABLED="${SEARCH_ENABLED:-false}"
# Several of Marquez's columns are times without a zone: the JVM must think in UTC.
run=(java -Duser.timezone=UTC -jar "$jar")
"${run[@]}" check "$here/marquez.yml"
exec "${run[@]}" server "$here/marquez.yml"
