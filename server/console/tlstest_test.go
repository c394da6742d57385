package console

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"
	"time"
)

// A server that says nothing must not hold the test up beyond its time.
func TestProbeTLSEnds(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	done := make(chan string, 1)
	go func() {
		done <- probeTLS(ctx, listener.Addr().String(), &tls.Config{ServerName: "localhost", RootCAs: x509.NewCertPool()})
	}()
	select {
	case status := <-done:
		if status != tlsUnreachable {
			t.Errorf("status %s, want %s", status, tlsUnreachable)
		}
	case <-time.After(time.Minute):
		t.Fatal("the handshake goes on after its time")
	}
}
