# The product image: the bundled programs, Node, and a static busybox that gates copy into pods.
# No RUN, so that it builds offline, on the classic builder too, from whatever base has `node` on PATH.
# By digest (of the index, so for each platform): what was looked at is what is built. Look the digest of a tag up with
# `docker buildx imagetools inspect IMAGE:TAG`.
ARG BASE_IMAGE=node:24.21.0-slim@sha256:0e0ff40c39bc087845bfb27465a0df4ea419520094bc35842ff83dd8cbe6f9b6
ARG BUSYBOX_IMAGE=busybox:1.37.0-musl@sha256:5cec3fc171c87218698e85a52af7087de727372aae264a787b8112901a5b0092

FROM ${BUSYBOX_IMAGE} AS busybox

FROM ${BASE_IMAGE}
# One malloc arena: with one for each of Node's threads, a lease service with 200 waiters' links has 17 MiB more.
ENV NODE_ENV=production MALLOC_ARENA_MAX=1
WORKDIR /app
COPY --from=busybox /bin/busybox /busybox
# With LICENSES, of startgate and of what it contains.
COPY dist/app/ /app/
# The native module of this platform. BuildKit sets the argument; the classic builder has to be given it.
ARG TARGETARCH
COPY dist/app-${TARGETARCH}/ /app/
USER 65532:65532
ENTRYPOINT ["node"]
