package idp_test

import (
	"crypto/x509"
	"encoding/pem"
	"testing"

	"github.com/mockduktor/mockduktor/idp"
)

func pemOf(t testing.TB, key idp.SigningKey) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key.Private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
