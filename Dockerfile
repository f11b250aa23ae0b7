# One small image with both programs: /worker (the default) and /starter.
# Static binaries on an empty file system, run as nobody; nothing is written
# outside /data and /tmp.

FROM --platform=$BUILDPLATFORM golang:1.26.11-bookworm AS build
ARG TARGETOS
ARG TARGETARCH
WORKDIR /src

COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod \
    go mod download

# Named one by one: the sandbox, its simulators and its books never get in.
COPY internal/ internal/
COPY workflows/ workflows/
COPY activities/ activities/
COPY worker/ worker/
COPY starter/ starter/
# timetzdata puts the time zones into the binaries: voucher dates are days in
# the company's zone, and an empty file system has none.
# The repository is not in the build, so that it has to be told what it builds:
#   docker build --build-arg VERSION=v1.4.0 --build-arg COMMIT="$(git rev-parse HEAD)" --build-arg DATE="$(git log -1 --format=%cI)" .
ARG VERSION
ARG COMMIT
ARG DATE
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    mkdir -p /out/bin && \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -mod=readonly -trimpath -tags timetzdata \
    -ldflags "-s -w -X kvitt/internal/build.version=$VERSION -X kvitt/internal/build.commit=$COMMIT -X kvitt/internal/build.date=$DATE" -o /out/bin/ ./worker ./starter
RUN mkdir -p /out/etc /out/data /out/tmp && \
    printf 'nobody:x:65534:65534:nobody:/data:/worker\n' > /out/etc/passwd && \
    printf 'nobody:x:65534:\n' > /out/etc/group

FROM scratch
LABEL org.opencontainers.image.title="kvitt" \
      org.opencontainers.image.description="Klarna payouts into the books of Visma.net, exactly once"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/etc/ /etc/
COPY --from=build --chown=65534:65534 /out/data/ /data/
COPY --from=build --chown=65534:65534 /out/tmp/ /tmp/
COPY --from=build /out/bin/ /

USER 65534:65534
# Temporal's configuration is looked for below HOME; none is fine.
ENV HOME=/data
WORKDIR /data
# The portal and codec endpoint; metrics, /healthz and /readyz.
EXPOSE 8088 9090
# Asks this process's own /readyz; there is no shell and no curl in here.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=4 \
    CMD ["/worker", "-healthcheck"]
ENTRYPOINT ["/worker"]
