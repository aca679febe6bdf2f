#!/usr/bin/env bash
# deb.sh OUTPUT NGINX TREE
#
# Builds the Debian package of the module in OUTPUT, for Debian's own nginx.
#
# nginx-dev depends on nginx, and to install that starts a web server. If it is
# not installed, its unpacked files are used: TREE is their source tree,
# usr/share/nginx/src. NGINX is the binary that tries the module: an installed
# one, whether nginx-dev is there or not, or else an unpacked one.
set -euo pipefail

module=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$module")
mkdir -p "$1"
output=$(cd "$1" && pwd)
nginx=$2
tree=$(cd "$3" && pwd)

"$root/tools/packages.sh" check deb

if [ "$tree" != /usr/share/nginx/src ]; then
    tools=$output/tools
    unpacked=${tree%/usr/share/nginx/src}
    rm -rf "$tools"
    mkdir -p "$tools"
    cp -R "$unpacked/usr/bin" "$unpacked/usr/share/perl5" \
        "$unpacked/usr/share/debhelper/autoscripts" "$tools"
    sed -i "s|\"/usr/share/nginx/src|\"$tree|; s|/usr/sbin/nginx|$nginx|" \
        "$tools/bin/dh_nginx" \
        "$tools/perl5/Debian/Debhelper/Buildsystem/nginx_mod.pm"
    export PATH=$tools/bin:$PATH PERL5LIB=$tools/perl5
    export DH_AUTOSCRIPTDIR=$tools/autoscripts
fi

# dpkg-buildpackage writes beside the source, and wants it clean.
version=$(dpkg-parsechangelog -l "$root/debian/changelog" -S Version)
source=$output/libcors-${version%-*}
rm -rf "$source"
mkdir -p "$source"
tar -C "$root" -c --exclude-vcs --exclude=./build --exclude=./target \
    --exclude=./fuzz --exclude=./nginx-module/build . | tar -x -C "$source"

# -d: rustup's Rust is no package.
cd "$source"
dpkg-buildpackage -b -d -us -uc >"$output/build.log" 2>&1 || {
    tail -n 40 "$output/build.log" >&2
    exit 1
}
ls "$output"/*.deb
