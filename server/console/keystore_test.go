package console

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func certificateFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "certificates", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The files were made by keytool of Java 17: an authority, and a certificate
// that it signed, as key stores and as trust stores in both formats.
func TestCertificatesIn(t *testing.T) {
	for _, one := range []struct {
		file, password string
		subjects       []string
	}{
		{"ca.pem", "", []string{"CN=Shop CA,O=Shop,C=FI"}},
		{"leaf.der", "", []string{"CN=broker"}},
		{"keystore.jks", "keystore-1", []string{"CN=broker", "CN=Shop CA,O=Shop,C=FI", "CN=Shop CA,O=Shop,C=FI"}},
		{"trusted.jks", "trusted-1", []string{"CN=Shop CA,O=Shop,C=FI"}},
		{"truststore.jks", "truststore-1", []string{"CN=Shop CA,O=Shop,C=FI", "CN=broker"}},
	} {
		list, err := certificatesIn(certificateFile(t, one.file), one.password)
		if err != nil {
			t.Errorf("%s: %v", one.file, err)
			continue
		}
		var subjects []string
		for _, certificate := range list {
			subjects = append(subjects, certificate.Subject.String())
		}
		if strings.Join(subjects, "|") != strings.Join(one.subjects, "|") {
			t.Errorf("%s holds %q, want %q", one.file, subjects, one.subjects)
		}
		if one.password == "" {
			continue
		}
		for _, wrong := range []string{"", one.password + "x"} {
			if _, err := certificatesIn(certificateFile(t, one.file), wrong); !errors.Is(err, errPassword) {
				t.Errorf("%s with password %q: %v, want %v", one.file, wrong, err, errPassword)
			}
		}
	}
	for file, says := range map[string]string{
		"":          "expected certificates in PEM, DER, JKS",
		"text":      "expected certificates in PEM, DER, JKS",
		"\x30\x03a": "expected a certificate",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n":             "there is no certificate in PEM",
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n":             "certificate 1:",
		string(certificateFile(t, "ca.pem")) + "-----BEGIN CERTIFICATE-----\nAAAA\n": "2 certificates begin, 1 of them",
		string(certificateFile(t, "ca.der")[:100]):                                   "expected a certificate",
		string(keyStoreMagic): "ends too early",
		"\xce\xce\xce\xce\x00\x00\x00\x02" + strings.Repeat("x", 64):                                                     "expected certificates in PEM, DER, JKS",
		string(certificateFile(t, "keystore.p12")):                                                                       "trusted certificates only",
		strings.Replace(string(certificateFile(t, "truststore.jks")), "\x02\x02\x27\x10", "\x02\x04\x7f\xff\xff\xff", 1): "PKCS 12",
	} {
		if _, err := certificatesIn([]byte(file), "keystore-1"); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.40q: got %v, want %q", file, err, says)
		}
	}
}

// forged writes a JKS file with a right digest around a content of any sort.
func forged(content []byte) []byte {
	file := append([]byte{}, keyStoreMagic...)
	file = append(file, content...)
	return append(file, keyStoreDigest(file, "p")...)
}

func TestKeyStoreLengths(t *testing.T) {
	number := func(values ...uint32) []byte {
		var out []byte
		for _, value := range values {
			out = binary.BigEndian.AppendUint32(out, value)
		}
		return out
	}
	const huge = 0xffffffff
	alias := []byte{0, 1, 'a'}
	join := func(parts ...[]byte) []byte {
		var out []byte
		for _, part := range parts {
			out = append(out, part...)
		}
		return out
	}
	for name, content := range map[string][]byte{
		"huge count of entries":          number(2, huge),
		"huge length of a key":           join(number(2, 1, 1), alias, number(0, 0, huge)),
		"huge count of a chain":          join(number(2, 1, 1), alias, number(0, 0, 0, huge)),
		"huge length of a certificate":   join(number(1, 1, 2), alias, number(0, 0, huge)),
		"many entries without any bytes": join(number(2, huge, 1), alias, number(0, 0, 0, 0)),
		"no entries":                     number(2, 0),
		"version 3":                      number(3, 0),
		"entry of type 3":                join(number(2, 1, 3), alias, number(0, 0, 0)),
		"another type of certificate":    join(number(2, 1, 2), alias, number(0, 0), []byte{0, 3, 'P', 'G', 'P'}, number(0)),
	} {
		began := time.Now()
		list, err := certificatesIn(forged(content), "p")
		if err == nil {
			t.Errorf("%s: %d certificates, want an error", name, len(list))
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("%s takes %s", name, took)
		}
	}
}

// A file may ask for as many rounds of hashing as it likes; the server must not
// do them.
func TestTrustStoreIterations(t *testing.T) {
	file := certificateFile(t, "truststore.jks")
	// Both counts of keytool's file are 10,000, written as two bytes; what is
	// written over them keeps the lengths of all around them.
	count := strings.Count(string(file), "\x02\x02\x27\x10")
	if count != 2 {
		t.Fatalf("the file has %d counts of 10,000, want those of the MAC and of the content", count)
	}
	if err := checkIterations(file); err != nil {
		t.Errorf("10,000 iterations: %v", err)
	}
	for _, at := range []int{strings.Index(string(file), "\x02\x02\x27\x10"), strings.LastIndex(string(file), "\x02\x02\x27\x10")} {
		forged := []byte(strings.Clone(string(file)))
		forged = append(forged[:at:at], append([]byte("\x02\x04\x7f\xff\xff\xff"), file[at+4:]...)...)
		lengthen(t, forged, at, 2)
		if err := checkIterations(forged); err == nil || !strings.Contains(err.Error(), "at most 2000000 iterations") {
			t.Errorf("2^31-1 iterations at byte %d: %v", at, err)
		}
	}
}

// lengthen adds to the length of every DER value that encloses a position.
func lengthen(t *testing.T, der []byte, at, by int) {
	t.Helper()
	for start := 0; start < at; {
		header, length := 2, int(der[start+1])
		switch {
		case length == 0x81:
			header, length = 3, int(der[start+2])
		case length == 0x82:
			header, length = 4, int(der[start+2])<<8|int(der[start+3])
		case length > 0x82:
			t.Fatalf("length of length %x", length)
		}
		if start+header+length <= at {
			start += header + length // beside it
			continue
		}
		length += by
		switch header {
		case 2:
			der[start+1] = byte(length)
		case 3:
			der[start+2] = byte(length)
		default:
			der[start+2], der[start+3] = byte(length>>8), byte(length)
		}
		start += header // inside
	}
}

func FuzzCertificatesIn(f *testing.F) {
	for file, password := range map[string]string{"ca.pem": "", "ca.der": "", "keystore.jks": "keystore-1", "trusted.jks": "trusted-1",
		"truststore.jks": "truststore-1", "keystore.p12": "keystore-1"} {
		f.Add(certificateFile(f, file), password)
	}
	f.Add(forged([]byte{0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff}), "p")
	f.Fuzz(func(t *testing.T, file []byte, password string) {
		began := time.Now()
		list, err := certificatesIn(file, password)
		if err == nil && len(list) == 0 {
			t.Fatal("neither certificates nor an error")
		}
		if isKeyStore(file) && len(file) > 24 {
			// Most of what is changed breaks the digest: look behind it too.
			_, _ = certificatesIn(forged(file[4:len(file)-20]), "p")
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Fatalf("took %s", took)
		}
	})
}
