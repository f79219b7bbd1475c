/** Prints the versions that cluster "$1" is there in, then "-", then those that are installed; the newest first. */
export const FIND = `
[ -d /run/systemd/system ] || { echo "no systemd"; exit 0; }
for folder in /etc/postgresql/*/"$1"; do [ ! -d "$folder" ] || basename "$(dirname "$folder")"; done | sort -rn
echo -
for bin in /usr/lib/postgresql/*/bin/postgres; do [ ! -x "$bin" ] || basename "$(dirname "$(dirname "$bin")")"; done | sort -rn`;

/** Runs the SQL of standard input as the superuser, through the socket of port "$1", in database "$2". */
export const SQL = `
cd /
exec runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -F '|' -p "$1" -d "$2" -f -`;

/** Has PostgreSQL "$1" read its settings, those of "$2", without starting it. */
export const CHECK = `
cd /
exec runuser -u postgres -- "$1/postgres" -C port -D "$2" -c "config_file=$3/postgresql.conf"`;

/** Whether the server at port "$2" takes connections. */
export const READY = `
cd /
exec runuser -u postgres -- "$1/pg_isready" -q -p "$2"`;

/**
 * Makes the data of "$2" a copy of the primary's that connection "$3" leads to, with slot "$4" there. What was there is
 * removed once the copy is whole.
 */
export const COPY = `
set -e
cd /
rm -rf "$2.new"
install -d -o postgres -g postgres -m 0700 "$2.new"
runuser -u postgres -- "$1/pg_basebackup" -D "$2.new" -d "$3" -X stream -c fast -C -S "$4" 2>&1 || {
  status=$?
  rm -rf "$2.new"
  exit "$status"
}
install -o postgres -g postgres -m 0600 /dev/null "$2.new/standby.signal"
rm -rf "$2.old"
mv -T "$2" "$2.old"
mv -T "$2.new" "$2"
rm -rf "$2.old"`;

/** Takes slot "$4" away where a copy that failed has left it at the primary that "$3" leads to. */
export const DROP_SLOT = `
cd /
exec runuser -u postgres -- psql -XAtq -d "$3 dbname=postgres replication=true" \\
  -c "DROP_REPLICATION_SLOT $4" 2>&1`;

/** Prints the last lines of the log of cluster "$2" of version "$1". */
export const LOG = `tail -n 12 "/var/log/postgresql/postgresql-$1-$2.log" 2>/dev/null || :`;

/** Prints "digest path" of each file that is there. */
export const DIGESTS = 'for f; do [ ! -f "$f" ] || sha256sum -- "$f"; done';
