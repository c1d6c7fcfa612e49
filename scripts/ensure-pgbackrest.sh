#!/usr/bin/env bash
# Have a pgBackRest that knows every PostgreSQL major that Paddock serves: scripts/ensure-pgbackrest.sh [INTO]
#
# Prints the path of the program, and nothing else, on stdout. INTO is a directory of servers (default:
# target/versions); the engine looks for `<INTO>/pgbackrest/bin/pgbackrest`, then in the usual places.
#
#  1. INTO has one that is new enough: nothing to do (a few milliseconds).
#  2. The machine has one: nothing to do either.
#  3. This machine's apt offers one: its package, and the libraries that it needs, are unpacked.
#  4. The same from Debian's testing, else unstable, by the mirror that this machine's apt uses already, with lists
#     and a cache of its own: no setting of the machine changes, nothing is installed, root is not needed.
#
# Unpacked programs bring their own C library and loader, so that a package of a newer Debian runs on an older one.
# What is fetched is what Debian has signed: apt compares signature and hashes, and refuses anything else. There is no
# pinned hash, since Debian removes a version when the next one comes; the oldest version that will do is pinned.
#
# Settings (environment): PGBACKREST_MIN (default 2.60), APT_KEYRING (default: Debian's).
# shellcheck source=common.lib.sh
source "$(dirname "$0")/common.lib.sh"

min=${PGBACKREST_MIN:-2.60}
into=${1:-$target/versions}
keyring=${APT_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}
home=$into/pgbackrest

reaches() { # reaches VERSION: is it new enough?
    [ -n "$1" ] && [ "$(printf '%s\n%s\n' "$min" "$1" | sort -V | head -n1)" = "$min" ]
}
works() { # works PROGRAM
    [ -x "$1" ] && reaches "$("$1" version 2>/dev/null | awk '{print $2}')"
}
for program in "$home/bin/pgbackrest" /usr/local/bin/pgbackrest /usr/bin/pgbackrest; do
    if works "$program"; then
        printf '%s\n' "$program"
        exit 0
    fi
done

by_hand="Install pgBackRest $min or newer as a package, or build it, and name it in Paddock's settings."
for tool in apt-get apt-cache dpkg-deb; do
    have "$tool" || die "pgBackRest $min is missing, and this is not Debian." "$by_hand"
done
mkdir -p "$into"
work=$(mktemp -d "$into/.installing-pgbackrest.XXXXXX")
trap 'rm -rf "$work"' EXIT
umask 022
chmod 755 "$work"

candidate() { # the version that apt would take, without epoch and Debian's revision
    apt-cache policy pgbackrest 2>/dev/null | sed -n 's/^  Candidate: //p' | grep -v '(none)' | sed 's/^[0-9]*://; s/-[^-]*$//' || true
}
other_apt() { # other_apt SUITE: apt reads this suite alone from here on
    local mirror
    mirror=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        sed -n 's/^Debian|Debian|//p' | head -n1)
    [ -n "$mirror" ] && [ -r "$keyring" ] || return 1
    mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial"
    : >"$work/apt/status"
    printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$mirror" "$1" >"$work/apt/sources.list"
    cat >"$work/apt/apt.conf" <<CONF
Dir::State "$work/apt"; Dir::State::Lists "$work/apt/lists"; Dir::State::status "$work/apt/status";
Dir::Cache "$work/apt/cache"; Dir::Cache::pkgcache "pkgcache.bin"; Dir::Cache::srcpkgcache "srcpkgcache.bin";
Dir::Etc::SourceList "$work/apt/sources.list"; Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null"; Dir::Etc::PreferencesParts "/dev/null";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false"; Acquire::Languages "none";
CONF
    # Some machines have packages of several architectures, or hooks after an update: neither is wanted here.
    printf '#clear APT::Update::Post-Invoke-Success;\n#clear APT::Update::Post-Invoke;\n' >>"$work/apt/apt.conf"
    export APT_CONFIG=$work/apt/apt.conf
    apt-get update -qq -o APT::Sandbox::User="$(id -un)" >&2
}

found=$(candidate)
for suite in testing unstable; do
    reaches "$found" && break
    say "pgBackRest $min or newer: asking Debian's $suite"
    other_apt "$suite" && found=$(candidate) || found=
done
reaches "$found" || die "apt offers no pgBackRest $min or newer." "$by_hand"

# The libraries that it needs, and those that they need. Not what helps to administer the distribution's own servers.
needs() { # needs PACKAGE: the libraries among its dependencies
    apt-cache depends --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$1" |
        sed -n 's/^  \(Pre\)\{0,1\}Depends: //p' | grep -E '^(lib|zlib1g)' || true
}
packages=(pgbackrest)
for ((i = 0; i < ${#packages[@]}; i++)); do
    for package in $(needs "${packages[i]}"); do
        [[ " ${packages[*]} " == *" $package "* ]] || packages+=("$package")
    done
done
say "fetching pgBackRest $found and ${#packages[@]} packages that it needs"
mkdir "$work/debs" "$work/root" "$work/new" "$work/new/bin" "$work/new/lib" "$work/new/libexec"
(cd "$work/debs" && apt-get download -qq -o APT::Sandbox::User="$(id -un)" "${packages[@]}" >&2) ||
    die "apt could not download them." "Is there a network? Try: apt-get update"
for deb in "$work"/debs/*.deb; do dpkg-deb -x "$deb" "$work/root"; done

# Only what is loaded: libraries in one directory, the loader among them.
find "$work/root" -path '*-linux-gnu*' -name '*.so*' \( -type f -o -type l \) -not -path '*/gconv/*' -not -path '*/perl*' |
    while read -r library; do
        case $(dirname "$library") in
        */lib/*-linux-gnu) cp -a --no-clobber "$library" "$work/new/lib/" ;;
        esac
    done
cp "$work/root/usr/bin/pgbackrest" "$work/new/libexec/pgbackrest"
mkdir "$work/new/doc"
cp "$work/root/usr/share/doc/pgbackrest/copyright" "$work/new/doc/"
loader=$(cd "$work/new/lib" && printf '%s\n' ld-linux*.so.* | head -n1)
[ -e "$work/new/lib/$loader" ] || die "the C library came without a loader." "$by_hand"
cat >"$work/new/bin/pgbackrest" <<WRAPPER
#!/bin/sh
# Written by scripts/ensure-pgbackrest.sh: the program with the C library that it was built for. Called by its whole path.
home=\${0%/*}/..
exec "\$home/lib/$loader" --argv0 "\$0" --library-path "\$home/lib" "\$home/libexec/pgbackrest" "\$@"
WRAPPER
chmod 755 "$work/new/bin/pgbackrest" "$work/new/libexec/pgbackrest"
works "$work/new/bin/pgbackrest" ||
    die "the unpacked pgBackRest does not run: $("$work/new/bin/pgbackrest" version 2>&1 | tail -n1)" "$by_hand"
rm -rf "$home"
mv "$work/new" "$home"
say "pgBackRest $found is in $home"
printf '%s\n' "$home/bin/pgbackrest"
