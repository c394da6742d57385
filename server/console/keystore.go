package console

import (
	"bytes"
	"crypto/sha1" // the format's own check; it protects nothing here
	"crypto/subtle"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"unicode/utf16"

	"software.sslmate.com/src/go-pkcs12"
)

// keyStoreMagic begins every JKS file (sun.security.provider.JavaKeyStore).
var keyStoreMagic = []byte{0xfe, 0xed, 0xfe, 0xed}

func isKeyStore(file []byte) bool { return bytes.HasPrefix(file, keyStoreMagic) }

// Entries of a key store.
const (
	keyStorePrivateKey  = 1
	keyStoreCertificate = 2
)

// keyStoreSalt stands between the password and the content in the digest.
const keyStoreSalt = "Mighty Aphrodite"

// keyStoreCertificates reads the certificates of a JKS file: those that it
// trusts and the chains of its private keys, which stay as they are. It is read
// here rather than by a library, since a length field must never make the
// server reserve more than the file has.
func keyStoreCertificates(file []byte, password string) ([]*x509.Certificate, error) {
	if len(file) < len(keyStoreMagic)+8+sha1.Size {
		return nil, errTruncated
	}
	content, digest := file[:len(file)-sha1.Size], file[len(file)-sha1.Size:]
	if subtle.ConstantTimeCompare(keyStoreDigest(content, password), digest) != 1 {
		return nil, errPassword
	}
	r := &keyStoreReader{rest: content[len(keyStoreMagic):]}
	version := r.uint32()
	if version != 1 && version != 2 {
		return nil, fmt.Errorf("expected JKS of version 1 or 2, got %d", version)
	}
	entries := r.uint32()
	var list []*x509.Certificate
	for range entries {
		tag := r.uint32()
		r.bytes(int(r.uint16())) // alias
		r.bytes(8)               // creation time
		count := uint32(1)
		switch tag {
		case keyStoreCertificate:
		case keyStorePrivateKey:
			r.bytes(int(r.uint32()))
			count = r.uint32()
		default:
			r.fail(fmt.Errorf("expected a JKS entry of type 1 or 2, got %d", tag))
		}
		for range count {
			certificate := r.certificate(version)
			if r.err != nil {
				return nil, r.err
			}
			list = append(list, certificate)
		}
		if r.err != nil {
			return nil, r.err
		}
	}
	if len(list) == 0 {
		return nil, errors.New("expected certificates, the key store has none")
	}
	return list, nil
}

// keyStoreDigest is what ends a JKS file: over the password in UTF-16, a
// constant and all that comes before.
func keyStoreDigest(content []byte, password string) []byte {
	hash := sha1.New()
	for _, unit := range utf16.Encode([]rune(password)) {
		hash.Write(binary.BigEndian.AppendUint16(nil, unit))
	}
	hash.Write([]byte(keyStoreSalt))
	hash.Write(content)
	return hash.Sum(nil)
}

var errTruncated = errors.New("expected a whole key store, the file ends too early")

// keyStoreReader takes a JKS file apart. After its first error everything it
// reads is zero.
type keyStoreReader struct {
	rest []byte
	err  error
}

func (r *keyStoreReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *keyStoreReader) bytes(n int) []byte {
	if r.err == nil && n > len(r.rest) {
		r.fail(errTruncated)
	}
	if r.err != nil {
		return make([]byte, min(n, 8)) // enough for every number
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *keyStoreReader) uint16() uint16 { return binary.BigEndian.Uint16(r.bytes(2)) }
func (r *keyStoreReader) uint32() uint32 { return binary.BigEndian.Uint32(r.bytes(4)) }

// certificate reads one; since version 2 its type stands before it.
func (r *keyStoreReader) certificate(version uint32) *x509.Certificate {
	if version == 2 {
		kind := string(r.bytes(int(r.uint16())))
		if r.err == nil && kind != "X.509" && kind != "X509" {
			r.fail(fmt.Errorf("expected X.509 certificates, got one of type %q", kind))
		}
	}
	der := r.bytes(int(r.uint32()))
	if r.err != nil {
		return nil
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		r.fail(fmt.Errorf("a certificate of the key store: %w", err))
	}
	return certificate
}

const derSequence = 0x30

// The parts of a PKCS 12 file that stand in the open (RFC 7292, section 4).
type (
	pfx struct {
		Version  int
		AuthSafe pfxContent
		MacData  pfxMAC `asn1:"optional"`
	}
	pfxContent struct {
		ContentType asn1.ObjectIdentifier
		Content     asn1.RawValue `asn1:"tag:0,explicit,optional"`
	}
	pfxMAC struct {
		Mac struct {
			Algorithm pkix.AlgorithmIdentifier
			Digest    []byte
		}
		Salt       []byte
		Iterations int `asn1:"optional,default:1"`
	}
	pfxEncrypted struct {
		Version int
		Content struct {
			ContentType asn1.ObjectIdentifier
			Algorithm   pkix.AlgorithmIdentifier
			Content     asn1.RawValue `asn1:"tag:0,optional"`
		}
	}
)

// oidEncryptedData is PKCS 7's type of encrypted content (RFC 2315, section 14).
var oidEncryptedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 6}

// isPKCS12 says whether DER is a PFX, by its version.
func isPKCS12(file []byte) bool {
	var outer asn1.RawValue
	if _, err := asn1.Unmarshal(file, &outer); err != nil || !outer.IsCompound {
		return false
	}
	var version int
	_, err := asn1.Unmarshal(outer.Bytes, &version)
	return err == nil && version == 3
}

// trustStoreCertificates reads the certificates of a PKCS 12 file that holds
// nothing else.
func trustStoreCertificates(file []byte, password string) ([]*x509.Certificate, error) {
	if err := checkIterations(file); err != nil {
		return nil, err
	}
	list, err := pkcs12.DecodeTrustStore(file, password)
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword), errors.Is(err, pkcs12.ErrDecryption):
		return nil, errPassword
	case err != nil:
		return nil, fmt.Errorf("expected a PKCS 12 file with trusted certificates only, such as keytool -importcert makes; export those of another with keytool -exportcert -rfc (%w)", err)
	case len(list) == 0:
		return nil, errors.New("expected certificates, the PKCS 12 file has none")
	}
	return list, nil
}

// maxIterations is how often a file may have its password hashed: a second of
// work, where keytool asks for 10,000.
const maxIterations = 2_000_000

// checkIterations refuses a PKCS 12 file whose iteration counts would hold the
// server up: those of the MAC and of each encrypted content. A trust store has no
// others.
func checkIterations(file []byte) error {
	var outer pfx
	if _, err := asn1.Unmarshal(file, &outer); err != nil {
		return fmt.Errorf("expected a PKCS 12 file: %w", err)
	}
	algorithms := []pkix.AlgorithmIdentifier{outer.MacData.Mac.Algorithm}
	var octets []byte
	if _, err := asn1.Unmarshal(outer.AuthSafe.Content.Bytes, &octets); err != nil {
		return fmt.Errorf("expected a PKCS 12 file with content: %w", err)
	}
	var contents []pfxContent
	if _, err := asn1.Unmarshal(octets, &contents); err != nil {
		return fmt.Errorf("expected a PKCS 12 file with content: %w", err)
	}
	for _, content := range contents {
		if !content.ContentType.Equal(oidEncryptedData) {
			continue
		}
		var encrypted pfxEncrypted
		if _, err := asn1.Unmarshal(content.Content.Bytes, &encrypted); err != nil {
			return fmt.Errorf("expected a PKCS 12 file with readable encrypted content: %w", err)
		}
		algorithms = append(algorithms, encrypted.Content.Algorithm)
	}
	excessive := outer.MacData.Iterations > maxIterations
	for _, algorithm := range algorithms {
		excessive = excessive || excessiveParameters(algorithm.Parameters.FullBytes)
	}
	if excessive {
		return fmt.Errorf("expected at most %d iterations for a key of a PKCS 12 file", maxIterations)
	}
	return nil
}

// excessiveParameters finds a number above maxIterations among the parameters
// of an algorithm, however they nest: iteration counts and key lengths.
func excessiveParameters(der []byte) bool {
	for len(der) > 0 {
		var value asn1.RawValue
		rest, err := asn1.Unmarshal(der, &value)
		switch {
		case err != nil:
			return false // and the library will not understand it either
		case value.Tag == asn1.TagInteger && new(big.Int).SetBytes(value.Bytes).Cmp(big.NewInt(maxIterations)) > 0,
			value.IsCompound && excessiveParameters(value.Bytes):
			return true
		}
		der = rest
	}
	return false
}
