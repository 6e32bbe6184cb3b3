#!/bin/bash
# Trees of the two system images. usage: system-images.sh KUBE ROOT_TREE OUT   (makes OUT/kube and OUT/pause)
# The first holds the all-in-one binary under every name, the iptables tools that kube-proxy calls, and podnet.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
kube=$1 root=$2 tree=$3/kube

mkdir -p "$tree"/usr/{bin,sbin,lib,lib64,local/bin} "$tree"/{tmp,run,etc,var/lib}
for dir in bin sbin lib lib64; do ln -s usr/$dir "$tree/$dir"; done
ln "$kube" "$tree/usr/local/bin/kube" 2>/dev/null || cp "$kube" "$tree/usr/local/bin/kube"
for name in kube-apiserver kube-controller-manager kube-scheduler kube-proxy etcd kubectl coredns; do
  ln -s kube "$tree/usr/local/bin/$name"
done

tools=(/usr/sbin/xtables-nft-multi /usr/sbin/nft /usr/sbin/conntrack)
for tool in "${tools[@]}"; do cp "$root$tool" "$tree$tool"; done
for name in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
  ln -s xtables-nft-multi "$tree/usr/sbin/$name"
done
mkdir -p "$tree/usr/lib/x86_64-linux-gnu"
cp -a "$root/usr/lib/x86_64-linux-gnu/xtables" "$tree/usr/lib/x86_64-linux-gnu/"
# The plugins' libraries too (libm): without them a Service with two endpoints does not work.
plugins=$(cd "$root" && printf '/%s\n' usr/lib/x86_64-linux-gnu/xtables/*.so)
for file in "${tools[@]}" $plugins; do chroot "$root" ldd "$file" | grep -o '/[^ ]*' || true; done | sort -u |
  while read -r library; do
    mkdir -p "$tree$(dirname "$library")"
    cp -L "$root$library" "$tree$library"
  done

cp /bin/busybox "$tree/usr/bin/busybox"
for name in sh cat cmp rm mv ip sleep; do ln -s busybox "$tree/usr/bin/$name"; done
install -m755 "$here/tree/podnet" "$tree/usr/bin/podnet"

mkdir -p "$3/pause"
gcc -Os -static -s -o "$3/pause/pause" "$here/tree/pause.c"
