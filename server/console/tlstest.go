package console

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/mockduktor/mockduktor/server/kinds"
)

// What came of a TLS test, in the API's words.
const (
	tlsChecked      = "checked_certificate"
	tlsUnchecked    = "unchecked_certificate"
	tlsNotSupported = "tls_not_supported"
	tlsUnreachable  = "unreachable_target"
	tlsUnexpected   = "unexpected_status"
)

// tlsTestLimit is how long the product waits for a server.
const tlsTestLimit = 5 * time.Second

// testTLS tries a connection with the world's certificates as trusted ones,
// beside those of the machine, at the world's time.
func testTLS(c *call) error {
	tx := c.World.View()
	if err := c.manageCertificates(tx); err != nil {
		return err
	}
	sent, err := c.input()
	if err != nil {
		return err
	}
	host := text(sent["host"])
	port, err := strconv.ParseUint(fmt.Sprint(sent["port"]), 10, 16)
	if err != nil || port == 0 {
		return badField("port", fmt.Errorf("expected a port between 1 and 65535, got %v", sent["port"]))
	}
	address, err := c.tlsTarget(host)
	if err != nil {
		return err
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // a container may have none
	}
	for resource := range tx.Resources(kinds.CertificateKind, "v1", nil, "") {
		roots.AddCert(resource.Value.(*kinds.Certificate).Certificate)
	}
	if c.trial {
		return c.JSON(http.StatusOK, map[string]string{"status": tlsUnchecked})
	}
	ctx, cancel := context.WithTimeout(c.context(), tlsTestLimit)
	defer cancel()
	return c.JSON(http.StatusOK, map[string]string{"status": probeTLS(ctx, net.JoinHostPort(address, fmt.Sprint(port)), &tls.Config{
		ServerName: host, RootCAs: roots, Time: c.World.Clock.Now})})
}

// tlsTarget is the address to dial for a host. Unless a switch allows more it is
// one of this machine, and no name is looked up: an emulator must not become a
// way into other networks.
func (c *call) tlsTarget(host string) (string, error) {
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	ip := net.ParseIP(name)
	switch {
	case host == "":
		return "", badField("host", errors.New("expected a host"))
	case c.Settings.TLSTestAnyHost:
		return host, nil
	case name == "localhost", strings.HasSuffix(name, ".localhost"): // RFC 6761, section 6.3
		return "127.0.0.1", nil
	case ip != nil && ip.IsLoopback():
		return host, nil
	}
	return "", badField("host", fmt.Errorf("expected localhost or a loopback address, got %q; with --tls-test-any-host any host is tried", host))
}

// probeTLS shakes hands with a server and says what came of it; ctx ends the
// waiting.
func probeTLS(ctx context.Context, address string, config *tls.Config) string {
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return tlsUnreachable
	}
	defer connection.Close()
	err = tls.Client(connection, config).HandshakeContext(ctx)
	var untrusted *tls.CertificateVerificationError
	var noTLS tls.RecordHeaderError
	switch {
	case err == nil:
		return tlsChecked
	case errors.As(err, &untrusted):
		return tlsUnchecked
	case ctx.Err() != nil:
		return tlsUnreachable
	case errors.As(err, &noTLS), errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		// A Kafka listener without TLS hangs up on what it cannot read.
		return tlsNotSupported
	}
	return tlsUnexpected
}
