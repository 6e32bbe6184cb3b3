# The product image: the bundled programs, Node, and a static busybox that gates copy into pods.
# No RUN, so that it builds offline, on the classic builder too, from whatever base has `node` on PATH.
ARG BASE_IMAGE=node:24-slim
ARG BUSYBOX_IMAGE=busybox:1.37-musl

FROM ${BUSYBOX_IMAGE} AS busybox

FROM ${BASE_IMAGE}
ENV NODE_ENV=production
WORKDIR /app
COPY --from=busybox /bin/busybox /busybox
COPY dist/app/ /app/
USER 65532:65532
ENTRYPOINT ["node"]
