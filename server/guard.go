package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/mockduktor/mockduktor/server/kinds"
)

// MockKeyHeader is the request header that carries Config.MockKey.
const MockKeyHeader = "Mock-Key"

// guardMock decides whether a request may use what is below /_mock: with the key
// where there is one; without, only over loopback, and only by a name of this
// server. A page of another site that has its own name lead to 127.0.0.1 (DNS
// rebinding) is of the same origin as the server for a browser, but cannot hide
// the name. What is refused is a *kinds.Error.
func (s *Server) guardMock(r *http.Request) error {
	refuse := func(format string, args ...any) error {
		return &kinds.Error{Code: kinds.Forbidden, Message: fmt.Sprintf(format, args...)}
	}
	if want := s.config.MockKey; want != "" {
		given, expected := sha256.Sum256([]byte(r.Header.Get(MockKeyHeader))), sha256.Sum256([]byte(want))
		if subtle.ConstantTimeCompare(given[:], expected[:]) != 1 {
			return refuse("What is below /_mock needs the key of --mock-key: send it in the header %s", MockKeyHeader)
		}
		return nil
	}
	if !s.loopback() {
		return refuse("The server listens on %s, where others may reach it: start it with --mock-key and send the key in the header %s, "+
			"or listen on a loopback address", s.listener.Addr(), MockKeyHeader)
	}
	if !s.knownHost(r.Host) {
		return refuse("The host %q is no name of this server: use %s, start it with --public-url, or allow the name with --back-channel-host", r.Host, s.config.PublicURL)
	}
	return nil
}

// loopback tells whether only this machine reaches the server.
func (s *Server) loopback() bool {
	address, err := netip.ParseAddrPort(s.listener.Addr().String())
	return err == nil && address.Addr().Unmap().IsLoopback()
}

// knownHost tells the names that the settings give the server, and those of
// loopback.
func (s *Server) knownHost(host string) bool {
	name := host
	if without, _, err := net.SplitHostPort(host); err == nil {
		name = without
	}
	name = strings.ToLower(strings.Trim(name, "[]"))
	if address, err := netip.ParseAddr(name); err == nil {
		return address.Unmap().IsLoopback()
	}
	// RFC 6761, section 6.3.
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	for _, known := range []string{s.config.PublicURL, s.config.Issuer} {
		if u, err := url.Parse(known); err == nil && strings.EqualFold(u.Hostname(), name) {
			return true
		}
	}
	return slices.ContainsFunc(s.config.Network.BackChannelHosts, func(allowed string) bool { return sameHost(allowed, host) })
}
