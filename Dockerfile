# syntax=docker/dockerfile:1
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /mockduktor ./cmd/mockduktor

FROM scratch
COPY --from=build /mockduktor /mockduktor
# Certificates of public authorities, for issuers reached over https.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
USER 65532:65532
EXPOSE 8080
# Inside a container loopback is of no use to anybody else; publish the port on
# the host's loopback (docker run -p 127.0.0.1:8080:8080). /_mock is refused on
# such an address until MOCKDUKTOR_MOCK_KEY is set.
ENV MOCKDUKTOR_LISTEN=0.0.0.0:8080
HEALTHCHECK --interval=5s --timeout=3s --start-period=1s CMD ["/mockduktor", "healthcheck"]
ENTRYPOINT ["/mockduktor"]
