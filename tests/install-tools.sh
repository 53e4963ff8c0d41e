#!/bin/sh
# Installs the Debian programs that some tests drive, where this machine lets us. Tests say what they miss otherwise.
set -u
missing=""
for pair in chromium:chromium espeak-ng:espeak-ng flite:flite festival:festival sctk:sctk \
    nginx:nginx-light bwrap:bubblewrap faketime:faketime node:nodejs systemd-analyze:systemd; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"
done
[ -d /usr/share/festival/voices/english/kal_diphone ] || missing="$missing festvox-kallpc16k"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "not installed, and not to be installed here:$missing"
    exit 0
fi
echo "installing$missing"
apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
    echo "could not be installed:$missing"
exit 0
