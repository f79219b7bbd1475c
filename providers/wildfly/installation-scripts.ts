/** Tells what a WildFly needs and is not there, one word a line; "$1" for what is of Java EE, "$2" for PostgreSQL. */
export const LACKS = `
[ -d /run/systemd/system ] || echo systemd
[ -x /usr/bin/java ] || echo default-jre-headless
command -v bash >/dev/null || echo bash
command -v useradd >/dev/null || echo passwd
[ -z "$1" ] || command -v javax2jakarta >/dev/null || echo tomcat-jakartaee-migration
[ -z "$2" ] || [ -e /usr/share/java/postgresql.jar ] || echo libpostgresql-jdbc-java`;

/**
 * Makes the account "$1" and the folders that all releases share: home "$2", WARs "$3", releases "$4"; and in "$5" a password
 * for the server's management, of which the server itself has a hash, in "$6", for user "$7" of realm "$8". "$9" is the
 * distribution that it is about to have: nobody else removes it.
 */
export const FOLDERS = `
set -e
umask 022
getent passwd "$1" >/dev/null ||
  useradd --system --user-group --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin --comment "Made by pulumi-kvm" "$1"
mkdir -p /srv/pulumi-kvm "$2" "$3" "$4"
printf '%s/\\n' "$9" >"$2/distribution"
chown "root:$1" "$3" "$4"
chmod 0750 "$3" "$4"
umask 077
if [ ! -s "$5" ]; then
  head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \\n' >"$5.new"
  mv -fT -- "$5.new" "$5"
fi
hash=$(printf '%s' "$7:$8:$(cat "$5")" | md5sum)
printf '#$REALM_NAME=%s$\\n%s=%s\\n' "$8" "$7" "\${hash%% *}" >"$6.new"
chown "root:$1" "$6.new"
chmod 0640 "$6.new"
mv -fT -- "$6.new" "$6"`;

/** Makes the folders "$3" and so on for the account "$1", below "$2". */
export const RELEASE = `
set -e
umask 027
account=$1
mkdir -p "$2"
cd "$2"
shift 2
mkdir -p "$@"
chown -R "root:$account" .`;

/** Has java read its options from "$2", as account "$1". */
export const CHECK = `
cd /
exec runuser -u "$1" -- /usr/bin/java "@$2" -Xms16m -version 2>&1`;

/** Removes the distributions below "$1" that no server has, or is about to have; all, with the account "$2", where no server is left. */
export const PRUNE_DISTRIBUTIONS = `
for d in "$1"/releases/*/; do
  d=\${d%/}
  [ -d "$d" ] || continue
  grep -qsF -- "$d/" /etc/systemd/system/wildfly-*.service /srv/pulumi-kvm/wildfly-*/distribution || rm -rf -- "$d" "$d.manifest"
done
for left in /srv/pulumi-kvm/wildfly-*/; do [ ! -d "$left" ] || exit 0; done
rm -rf -- "$1"
case $(getent passwd "$2") in *:"Made by pulumi-kvm":*) userdel "$2" ;; esac`;
