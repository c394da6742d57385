package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
)

// connection is one kept connection. It sends requests as they are and waits for
// each answer: less work for the driver's core than a client with a pool.
type connection struct {
	net.Conn
	reader *bufio.Reader
	body   bytes.Buffer
}

// answer is valid until the connection's next one.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func dial(address string) (*connection, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &connection{Conn: c, reader: bufio.NewReaderSize(c, 64<<10)}, nil
}

func (c *connection) close() { _ = c.Conn.Close() }

func (c *connection) ask(request []byte) (answer, error) {
	if _, err := c.Write(request); err != nil {
		return answer{}, err
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	c.body.Reset()
	if _, err := c.body.ReadFrom(response.Body); err != nil {
		return answer{}, err
	}
	return answer{response.StatusCode, response.Header, c.body.Bytes()}, nil
}

// get is a GET request as it goes over the wire; token "" sends none.
func get(host, path, token string) []byte {
	return request("GET", host, path, token, "", "")
}

// request is a request as it goes over the wire.
func request(method, host, path, token, media, body string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\n", method, path, host)
	if token != "" {
		fmt.Fprintf(&b, "Authorization: Bearer %s\r\n", token)
	}
	if media != "" {
		fmt.Fprintf(&b, "Content-Type: %s\r\nContent-Length: %d\r\n", media, len(body))
	} else if method != "GET" {
		b.WriteString("Content-Length: 0\r\n")
	}
	b.WriteString("\r\n" + body)
	return b.Bytes()
}
