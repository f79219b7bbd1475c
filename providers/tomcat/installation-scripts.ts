/** Tells what a Tomcat needs and is not there, one word a line. */
export const LACKS = `
[ -d /run/systemd/system ] || echo systemd
[ -f /usr/share/tomcat10/bin/bootstrap.jar ] || echo tomcat10
[ -x /usr/bin/java ] || echo java
[ -x /usr/bin/perl ] || echo perl
[ -z "$1" ] || command -v javax2jakarta >/dev/null || echo tomcat-jakartaee-migration
[ -z "$2" ] || [ -e /usr/share/java/postgresql.jar ] || echo libpostgresql-jdbc-java`;

/** Makes the folders that all releases share: home "$1", contexts "$2", web applications "$3". */
export const FOLDERS = `
set -e
umask 022
mkdir -p /srv/pulumi-kvm "$1" "$1/releases" "$1/wars" "$1/manager/WEB-INF" "$2" "$3"
chown root:tomcat "$2" "$3" "$1/releases"
chmod 0770 "$2" "$3"
chmod 0750 "$1/releases"`;

/** Makes release "$1" with pairs of a link and its target, and the folders named after "--". */
export const RELEASE = `
set -e
umask 027
r=$1
shift
mkdir -p "$r/conf/Catalina" "$r/lib"
chown root:tomcat "$r" "$r/conf" "$r/conf/Catalina" "$r/lib"
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  ln -sfnT -- "$2" "$r/$1"
  shift 2
done
[ $# -eq 0 ] || shift
cd "$r"
for f; do
  mkdir -p "./$f"
  while [ "$f" != . ]; do
    chown root:tomcat "./$f"
    f=$(dirname -- "$f")
  done
done`;

/** Has Tomcat read the configuration of release "$1" as it would at its start; no port is opened. */
export const CHECK = `
cd /
exec runuser -u tomcat -- /usr/bin/java "@$1/conf/java.options" -Xms16m -Xmx64m -XX:TieredStopAtLevel=1 \\
  "-Djava.util.logging.config.file=$2" org.apache.catalina.startup.Bootstrap configtest 2>&1`;

/** Stops Debian's own tomcat10, which has port 8080, and notes in "$1" what it was. */
export const SET_ASIDE = `
set -e
systemctl cat tomcat10.service >/dev/null 2>&1 || exit 0
if systemctl is-active --quiet tomcat10.service; then echo running >>"$1"; fi
if systemctl is-enabled --quiet tomcat10.service; then echo enabled >>"$1"; fi
systemctl disable --now --quiet tomcat10.service`;

/** Makes Debian's own tomcat10 what "$1" noted; where there is another server of ours, that one will do it. */
export const PUT_BACK = `
[ -f "$1" ] || exit 0
for other in /srv/pulumi-kvm/tomcat-*/; do
  [ "$other" != "\${1%/*}/" ] || continue
  [ -f "\${other}aside" ] || mv -- "$1" "\${other}aside"
  exit 0
done
if grep -q enabled "$1"; then systemctl enable --quiet tomcat10.service; fi
if grep -q running "$1"; then systemctl start tomcat10.service; fi`;
