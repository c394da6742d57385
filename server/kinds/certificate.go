package kinds

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/store"
)

// CertificateKind is the kind of certificates that Console trusts.
const CertificateKind = "Certificate"

// Certificate is the typed form of a trusted certificate.
type Certificate struct {
	*x509.Certificate
	Fingerprint string // see Fingerprint
}

// Fingerprint is the id by which Console knows a certificate since 1.31: the
// SHA-256 digest of its DER form in lower-case hexadecimal.
func Fingerprint(certificate *x509.Certificate) string {
	sum := sha256.Sum256(certificate.Raw)
	return hex.EncodeToString(sum[:])
}

// pemCertificate is the type of a PEM block (RFC 7468, section 5).
const pemCertificate = "CERTIFICATE"

// ParseCertificates reads every certificate of a PEM text, in its order; other
// blocks are passed over. A text without one is an error, and so is a block that
// does not end or holds no certificate.
func ParseCertificates(text string) ([]*x509.Certificate, error) {
	var list []*x509.Certificate
	rest := []byte(text)
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != pemCertificate {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(list)+1, err)
		}
		list = append(list, certificate)
	}
	// The decoder silently passes over blocks that are broken.
	if begun := strings.Count(text, "-----BEGIN "+pemCertificate+"-----"); begun != len(list) {
		return nil, fmt.Errorf("%d certificates begin, %d of them are whole PEM blocks", begun, len(list))
	}
	if len(list) == 0 {
		return nil, errors.New("there is no certificate in PEM (-----BEGIN CERTIFICATE-----)")
	}
	return list, nil
}

// EncodeCertificate writes a certificate in PEM.
func EncodeCertificate(certificate *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: certificate.Raw}))
}

func certificateRule() *Rule {
	return &Rule{
		Check: func(c *Change) error {
			value, problems := parseCertificate(c.Object)
			if len(problems) > 0 {
				return FromProblems(problems)
			}
			fingerprint := value.(*Certificate).Fingerprint
			if other, ok := CertificateByID(c.Tx, fingerprint); ok && other.Name != c.Key.Name {
				return conflict("spec.certificate", "the certificate %s is there already, as %s", fingerprint, other.Name)
			}
			return nil
		},
		Parse: parseCertificate,
		Refs: func(value any) []string {
			return []string{store.Ref("fingerprint", value.(*Certificate).Fingerprint)}
		},
	}
}

func parseCertificate(object map[string]any) (any, []openapi.Problem) {
	list, err := ParseCertificates(text(part(object, "spec"), "certificate"))
	if err == nil && len(list) != 1 {
		err = fmt.Errorf("expected one certificate, there are %d: write a document for each", len(list))
	}
	if err != nil {
		return nil, []openapi.Problem{{Path: "spec.certificate", Expected: err.Error()}}
	}
	return &Certificate{Certificate: list[0], Fingerprint: Fingerprint(list[0])}, nil
}

// CertificateByID finds a trusted certificate by its fingerprint.
func CertificateByID(tx *store.Tx, fingerprint string) (*store.Resource, bool) {
	return onlyReferrer(tx, store.Ref("fingerprint", fingerprint))
}
