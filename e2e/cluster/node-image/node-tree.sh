#!/bin/bash
# Makes a root tree a kind node. usage: node-tree.sh KUBE TREE VERSION WORK ARCHIVE...
# The archives are imported into the node's own containerd, so that no node pulls a system image.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
kube=$1 tree=$2 version=$3 work=$4
shift 4

# Of Debian's services only journald, containerd and the kubelet run.
rm -f "$tree"/etc/systemd/system/*.wants/* \
  "$tree"/lib/systemd/system/{multi-user,local-fs,basic,timers,getty,graphical}.target.wants/* \
  "$tree"/lib/systemd/system/sockets.target.wants/*audit* "$tree/lib/systemd/system/systemd-journald-audit.socket"
find "$tree"/lib/systemd/system/{sysinit,sockets}.target.wants -type l ! -name '*journald*' -delete
ln -sf /lib/systemd/system/multi-user.target "$tree/etc/systemd/system/default.target"
echo ReadKMsg=no >>"$tree/etc/systemd/journald.conf"

install -m755 "$here/tree/entrypoint" "$tree/usr/local/bin/entrypoint"
install -D -m644 "$here/tree/containerd.toml" "$tree/etc/containerd/config.toml"
install -m644 "$here"/tree/kubelet.{service,slice} "$tree/etc/systemd/system/"
wants=$tree/etc/systemd/system/multi-user.target.wants
mkdir -p "$wants"
ln -sf /etc/systemd/system/kubelet.service "$wants/"
ln -sf /lib/systemd/system/containerd.service "$wants/"

mkdir -p "$tree"/{etc/cni/net.d,opt/cni,etc/kubernetes/manifests,kind/manifests}
ln -sfn /usr/lib/cni "$tree/opt/cni/bin"
echo "v$version" >"$tree/kind/version"
install -m644 "$here"/tree/default-{storage,cni}.yaml "$tree/kind/manifests/"
install -m755 "$kube" "$tree/usr/local/bin/kube"
for name in kubeadm kubelet kubectl; do ln -sf /usr/local/bin/kube "$tree/usr/bin/$name"; done

# A containerd of this machine, run on the node's directory.
state=$work/containerd
mkdir -p "$state"
cat >"$work/containerd.toml" <<CONF
version = 2
root = "$tree/var/lib/containerd"
state = "$state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "$state/c.sock"
CONF
containerd --config "$work/containerd.toml" >"$work/containerd.log" 2>&1 &
daemon=$!
trap 'kill $daemon 2>/dev/null; wait $daemon || true' EXIT
for _ in $(seq 100); do [ -S "$state/c.sock" ] && break; sleep 0.1; done
for archive in "$@"; do ctr -a "$state/c.sock" -n k8s.io images import --no-unpack "$archive"; done
