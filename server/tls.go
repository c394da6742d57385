package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// TLSConfig says how the server speaks TLS.
type TLSConfig struct {
	// Enabled serves https with a certificate of a development CA.
	Enabled bool
	// CertFile and KeyFile are a certificate chain and its key in PEM, in place of
	// the development CA's.
	CertFile, KeyFile string
	// Hosts are further names and addresses for the certificate, beside localhost,
	// the loopback addresses and the public URL's host.
	Hosts []string
	// CADir keeps the development CA over restarts (ca.pem, ca-key.pem; made when
	// absent). Empty: a CA for this run alone.
	CADir string
}

// on says whether the server speaks TLS at all.
func (t TLSConfig) on() bool { return t.Enabled || t.CertFile != "" }

// Files of a kept development CA.
const (
	caFile    = "ca.pem"
	caKeyFile = "ca-key.pem"
)

// Lifetimes of what the development CA makes. Browsers refuse leaves of more
// than 398 days.
const (
	caLifetime   = 10 * 365 * 24 * time.Hour
	leafLifetime = 397 * 24 * time.Hour
)

// certificate returns what the server shows, and the development CA in PEM (nil
// with files of one's own).
func (t TLSConfig) certificate(publicURL string) (tls.Certificate, []byte, error) {
	if t.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return pair, nil, fmt.Errorf("--tls-cert, --tls-key: %w", err)
		}
		return pair, nil, nil
	}
	hosts := append([]string{"localhost", "127.0.0.1", "::1"}, t.Hosts...)
	if u, err := url.Parse(publicURL); err == nil && u.Hostname() != "" {
		hosts = append(hosts, u.Hostname())
	}
	slices.Sort(hosts)
	hosts = slices.Compact(hosts)
	ca, err := t.authority(hosts)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	leaf, err := ca.leaf(hosts)
	return leaf, ca.pem(), err
}

// authority is a development CA.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

func (t TLSConfig) authority(hosts []string) (*authority, error) {
	if t.CADir == "" {
		return newAuthority(hosts)
	}
	kept, err := readAuthority(t.CADir)
	if !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			return nil, fmt.Errorf("--tls-ca-dir %s: %w (delete its %s and %s for a new CA)", t.CADir, err, caFile, caKeyFile)
		}
		if missing := kept.excludes(hosts); missing != "" {
			return nil, fmt.Errorf("--tls-ca-dir %s: the CA there may not speak for %s: delete its %s and %s for a new one", t.CADir, missing, caFile, caKeyFile)
		}
		return kept, nil
	}
	made, err := newAuthority(hosts)
	if err != nil {
		return nil, err
	}
	if err := made.write(t.CADir); err != nil {
		return nil, fmt.Errorf("--tls-ca-dir: %w", err)
	}
	return made, nil
}

// newAuthority makes a CA that may speak for the given hosts only, so that a
// browser that trusts it is at no other risk (RFC 5280, section 4.2.1.10).
func newAuthority(hosts []string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a development CA: %w", err)
	}
	names, addresses := split(hosts)
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "mockduktor development CA"}, SerialNumber: serial(),
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(caLifetime),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage:                    x509.KeyUsageCertSign,
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: names,
	}
	for _, ip := range addresses {
		bits := 8 * len(ip)
		template.PermittedIPRanges = append(template.PermittedIPRanges, &net.IPNet{IP: ip, Mask: net.CIDRMask(bits, bits)})
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make a development CA: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	return &authority{certificate, key}, err
}

func split(hosts []string) (names []string, addresses []net.IP) {
	for _, host := range hosts {
		ip := net.ParseIP(host)
		switch {
		case ip == nil:
			names = append(names, host)
		case ip.To4() != nil:
			addresses = append(addresses, ip.To4())
		default:
			addresses = append(addresses, ip)
		}
	}
	return names, addresses
}

func serial() *big.Int {
	number, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(err) // crypto/rand does not fail on supported systems
	}
	return number
}

// leaf makes the server's certificate.
func (a *authority) leaf(hosts []string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	names, addresses := split(hosts)
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "mockduktor"}, SerialNumber: serial(),
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(leafLifetime),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: names, IPAddresses: addresses,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der, a.certificate.Raw}, PrivateKey: key}, nil
}

// excludes names a host that the CA may not speak for, or "".
func (a *authority) excludes(hosts []string) string {
	names, addresses := split(hosts)
	for _, name := range names {
		if !slices.Contains(a.certificate.PermittedDNSDomains, name) {
			return name
		}
	}
	for _, ip := range addresses {
		if !slices.ContainsFunc(a.certificate.PermittedIPRanges, func(allowed *net.IPNet) bool { return allowed.Contains(ip) }) {
			return ip.String()
		}
	}
	return ""
}

func (a *authority) write(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, caKeyFile), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, caFile), a.pem(), 0o644)
}

func readAuthority(dir string) (*authority, error) {
	certificate, err := readPEM(filepath.Join(dir, caFile), "CERTIFICATE")
	if err != nil {
		return nil, err
	}
	key, err := readPEM(filepath.Join(dir, caKeyFile), "PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificate(certificate)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", caFile, err)
	}
	private, err := x509.ParsePKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", caKeyFile, err)
	}
	signer, ok := private.(*ecdsa.PrivateKey)
	if !ok || !signer.PublicKey.Equal(parsed.PublicKey) {
		return nil, fmt.Errorf("%s is not the key of %s", caKeyFile, caFile)
	}
	if time.Now().After(parsed.NotAfter) {
		return nil, fmt.Errorf("%s expired at %s", caFile, parsed.NotAfter.Format(time.DateOnly))
	}
	return &authority{parsed, signer}, nil
}

func readPEM(file, kind string) ([]byte, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("%s holds no %s in PEM", filepath.Base(file), kind)
	}
	return block.Bytes, nil
}
