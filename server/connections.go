package server

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mockduktor/mockduktor/server/limits"
)

// bounded is a listener that turns connections away when there are as many as
// there may be. Those who come then get an answer, which they would not while
// they wait to be accepted.
type bounded struct {
	net.Listener
	most  int64
	open  atomic.Int64
	plain bool // a refusal can be written: there is no TLS
}

// Accept implements net.Listener.
func (b *bounded) Accept() (net.Conn, error) {
	for {
		connection, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if b.open.Add(1) <= b.most {
			return &counting{Conn: connection, leave: sync.OnceFunc(func() { b.open.Add(-1) })}, nil
		}
		b.open.Add(-1)
		b.refuse(connection)
	}
}

// refuse answers without reading. What is written fits the socket's buffer, so
// nobody is waited for.
func (b *bounded) refuse(connection net.Conn) {
	defer connection.Close()
	if !b.plain || connection.SetDeadline(time.Now().Add(time.Second)) != nil {
		return
	}
	body := `{"title":"Too many connections","msg":"` + limits.Explain("connections", int(b.most)) + `"}`
	_, _ = connection.Write([]byte("HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nConnection: close\r\nRetry-After: 1\r\n\r\n" + body))
}

// counting is a connection that is counted until it is closed.
type counting struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *counting) Close() error {
	c.leave()
	return c.Conn.Close()
}

// CloseWrite lets net/http end a connection without losing what it has sent.
func (c *counting) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
