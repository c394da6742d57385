package server

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Network says how requests reach the server by other ways than the public URL.
type Network struct {
	// BackChannelHosts are the hosts (host or host:port, as programs write them)
	// under which token, userinfo, keys and revocation may be reached: discovery
	// answers them with their own host for these, the issuer and the browser's
	// addresses staying what they are.
	BackChannelHosts []string
	// TrustedProxies are addresses or networks whose X-Forwarded-Host and
	// X-Forwarded-Proto are believed.
	TrustedProxies []string
}

// check says what is wrong with the lists, naming the flag.
func (n Network) check() error {
	for _, host := range n.BackChannelHosts {
		if host == "" || strings.ContainsAny(host, "/@? ") {
			return fmt.Errorf("--back-channel-host %q: expected host or host:port, without scheme and path", host)
		}
	}
	for _, proxy := range n.TrustedProxies {
		if _, err := network(proxy); err != nil {
			return fmt.Errorf("--trusted-proxy %q: expected an address or a network, such as 10.0.0.1 or 10.0.0.0/8", proxy)
		}
	}
	return nil
}

func network(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		return address.Prefix(address.BitLen())
	}
	return netip.ParsePrefix(text)
}

// backChannel returns how a program reaches the issuer whose path is given: by
// the host it used, if that is allow-listed; else "".
func (n Network) backChannel(path string) func(*http.Request) string {
	if len(n.BackChannelHosts) == 0 {
		return nil
	}
	var trusted []netip.Prefix
	for _, proxy := range n.TrustedProxies {
		if prefix, err := network(proxy); err == nil {
			trusted = append(trusted, prefix)
		}
	}
	return func(r *http.Request) string {
		host, scheme := r.Host, "http"
		if r.TLS != nil {
			scheme = "https"
		}
		if fromProxy(r, trusted) {
			if forwarded := r.Header.Get("X-Forwarded-Host"); forwarded != "" {
				host = forwarded
			}
			if forwarded := r.Header.Get("X-Forwarded-Proto"); forwarded == "http" || forwarded == "https" {
				scheme = forwarded
			}
		}
		if !slices.ContainsFunc(n.BackChannelHosts, func(allowed string) bool { return sameHost(allowed, host) }) {
			return ""
		}
		return scheme + "://" + host + path
	}
}

// sameHost: an allowed host without a port allows every port.
func sameHost(allowed, host string) bool {
	if strings.EqualFold(allowed, host) {
		return true
	}
	name, _, err := net.SplitHostPort(host)
	return err == nil && strings.EqualFold(allowed, name)
}

func fromProxy(r *http.Request, trusted []netip.Prefix) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && slices.ContainsFunc(trusted, func(prefix netip.Prefix) bool { return prefix.Contains(peer.Addr().Unmap()) })
}
