#!/usr/bin/env bash
# The tests of limits on control groups v2, which newer distributions have alone: in a virtual machine with Debian's own
# kernel, for machines that have v1. Not part of `make test`: it fetches QEMU, a kernel and a small Debian (about 150 MB),
# and emulates the processor: the hog alone takes minutes. Everything lies in target/v2; only Debian packages are installed.
#   scripts/test-v2.sh [TEST...]      tests of the engine; default: limits hog plan
#   WITH_KVM=1 scripts/test-v2.sh     quicker, where KVM works
# shellcheck source=common.lib.sh
source "$(dirname "$0")/common.lib.sh"
tests=("$@")
[ ${#tests[@]} -gt 0 ] || tests=(limits hog plan)
is_root || die "This unpacks a Debian and packs it with its owners: it needs root."
scripts/setup.sh test
use_tools

packages=()
have qemu-system-x86_64 || packages+=(qemu-system-x86)
have debootstrap || packages+=(debootstrap)
have cpio || packages+=(cpio)
if [ ${#packages[@]} -gt 0 ]; then
    say "installing Debian packages: ${packages[*]}"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >&2
fi

place=$target/v2
mkdir -p "$place"
if [ ! -s "$place/vmlinuz" ]; then
    say "fetching a kernel"
    kernel=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n1)
    (cd "$place" && apt-get download -qq -o APT::Sandbox::User=root "$kernel" && dpkg-deb -x linux-image-*.deb kernel)
    cp "$place"/kernel/boot/vmlinuz-* "$place/vmlinuz"
    rm -rf "$place/kernel" "$place"/linux-image-*.deb
fi

# What the servers link with, and what the tests call.
within=libssl3,libzstd1,liblz4-1,libxml2,libgssapi-krb5-2,libossp-uuid16,passwd,tzdata,procps,iproute2
if [ ! -f "$place/base/etc/debian_version" ]; then
    say "unpacking a small Debian"
    mirror=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' | sed -n 's/^Debian|Debian|//p' | head -n1)
    rm -rf "$place/base"
    debootstrap --variant=minbase --include="$within" "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$place/base" "$mirror" >&2
    rm -rf "$place/base"/var/cache/apt/* "$place/base"/var/lib/apt/lists/* "$place/base"/usr/share/{doc,man,locale}/*
fi

say "building ${tests[*]}"
names=()
for test in "${tests[@]}"; do names+=(--test "$test"); done
list=$place/executables
cargo test -q --locked --no-run --features paddock/crash-points -p paddock -p engine "${names[@]}" \
    --message-format=json-render-diagnostics |
    python3 -c 'import json,sys
for line in sys.stdin:
    one = json.loads(line)
    if one.get("executable") and one["target"]["kind"] == ["test"]: print(one["target"]["name"], one["executable"])' >"$list"

say "packing the machine"
machine=$place/machine
rm -rf "$machine"
cp -a "$place/base" "$machine"
mkdir -p "$machine$target/versions" "$machine/tests" "$machine$root/crates/engine"
cp -a "$target"/versions/{17.11,18.6} "$machine$target/versions/"
cp -a "$root/crates/engine/tests" "$machine$root/crates/engine/"
while read -r name path; do
    # Without what only a debugger reads.
    objcopy --strip-debug "$path" "$machine/tests/$name"
done <"$list"
cat >"$machine/init" <<'INIT'
#!/bin/bash
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm
mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t tmpfs -o mode=1777,size=3g tmp /tmp
mount -t cgroup2 cgroup /sys/fs/cgroup
mount --make-rshared /
ip link set lo up
hostname v2
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
echo "control groups: $(cat /sys/fs/cgroup/cgroup.controllers)"
# As a service has it: a group of its own with these controllers, in which nobody else is.
echo "+memory +cpu +pids +io" >/sys/fs/cgroup/cgroup.subtree_control
failed=
for test in /tests/*; do
    name=${test##*/}
    group=/sys/fs/cgroup/$name
    mkdir "$group"
    cd ROOT/crates/engine || exit
    bash -c 'echo $$ >"$1/cgroup.procs" && exec "$2" --test-threads=2' _ "$group" "$test" || failed+=" $name"
done
echo "v2:${failed:- all passed}"
sync
echo o >/proc/sysrq-trigger
sleep 60
INIT
sed -i "s#ROOT#$root#" "$machine/init"
chmod 755 "$machine/init"
(cd "$machine" && find . -print0 | cpio --null --create --format=newc --quiet) >"$place/machine.cpio"
rm -rf "$machine"

say "running it"
# Nested virtual machines offer a KVM that does not boot: it is for who knows better.
accel=tcg,thread=multi
if [ -n "${WITH_KVM:-}" ]; then accel=kvm; fi
timeout "${LIMIT:-3600}" qemu-system-x86_64 -accel "$accel" -cpu max -smp 2 -m 8G -nographic -no-reboot -nic none \
    -kernel "$place/vmlinuz" -initrd "$place/machine.cpio" \
    -append "console=ttyS0 rdinit=/init quiet panic=-1" </dev/null 2>&1 | tee "$place/log"
grep -q '^v2: all passed' "$place/log" || die "Not all of it passed: $place/log"
