// Package goclients runs unmodified Go programs of others against the built
// binary. It is a module of its own, so that what they need stays out of ours.
package goclients

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/net/html"
)

// emulator is the binary, serving https with a development CA.
type emulator struct {
	issuer string
	ca     []byte // PEM
	caFile string
	roots  *x509.CertPool
}

var issuerLine = regexp.MustCompile(`(?m)^\s+Issuer\s+(https://\S+)$`)

// serve runs the binary with a seed until the test ends.
func serve(t *testing.T, seed string) *emulator {
	t.Helper()
	binary := os.Getenv("MOCKDUKTOR_BINARY")
	if binary == "" {
		t.Fatal("MOCKDUKTOR_BINARY must name the built binary; .ci/clients builds it and sets this")
	}
	folder := t.TempDir()
	file := filepath.Join(folder, "seed.yaml")
	if err := os.WriteFile(file, []byte(seed), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "--listen", "127.0.0.1:0", "--tls", "--tls-ca-dir", folder, "--seed", "default", "--seed", file)
	log := &bytes.Buffer{}
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Logf("mockduktor: %v\n%s", err, log)
		}
	})
	greeting := ""
	for lines := bufio.NewScanner(out); !strings.Contains(greeting, "\nTry:"); {
		if !lines.Scan() {
			t.Fatal("mockduktor ended before it served")
		}
		greeting += lines.Text() + "\n"
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the process
	e := &emulator{issuer: issuerLine.FindStringSubmatch(greeting)[1], caFile: filepath.Join(folder, "ca.pem"), roots: x509.NewCertPool()}
	if e.ca, err = os.ReadFile(e.caFile); err != nil {
		t.Fatal(err)
	}
	if !e.roots.AppendCertsFromPEM(e.ca) {
		t.Fatal("no CA in PEM")
	}
	return e
}

// client trusts the development CA alone and keeps cookies. It follows redirects
// for as long as stop does not say otherwise.
func (e *emulator) client(t *testing.T, stop func(*url.URL) bool) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{
		Jar:       jar,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: e.roots}},
		CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			if stop != nil && stop(r.URL) {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
}

// page is an answer with its body read.
type page struct {
	*http.Response
	body string
}

func read(t *testing.T, response *http.Response, err error) page {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return page{response, string(body)}
}

// press sends the form of the button with a test id, as a browser without
// scripts does.
func press(t *testing.T, client *http.Client, on page, testID string) page {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(on.body))
	if err != nil {
		t.Fatal(err)
	}
	var form *html.Node
	fields := url.Values{}
	for node := range doc.Descendants() {
		if attribute(node, "data-testid") != testID {
			continue
		}
		fields.Set(attribute(node, "name"), attribute(node, "value"))
		for form = node; form != nil && form.Data != "form"; form = form.Parent {
		}
	}
	if form == nil {
		t.Fatalf("no button %s on %s %s: %s", testID, on.Status, on.Request.URL, on.body)
	}
	for node := range form.Descendants() {
		if name := attribute(node, "name"); name != "" && node.Data == "input" {
			fields.Set(name, attribute(node, "value"))
		}
	}
	action, err := on.Request.URL.Parse(attribute(form, "action"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.PostForm(action.String(), fields)
	return read(t, response, err)
}

func attribute(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// party is a client of the matrix: each feature is a subtest, and counts once it
// passed.
type party struct {
	t        *testing.T
	features []string
}

// newParty names a client and the module that it is of.
func newParty(t *testing.T, client, module string) *party {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", module).Output()
	if err != nil {
		t.Fatalf("version of %s: %v", module, err)
	}
	version := strings.TrimSpace(string(out))
	p := &party{t: t}
	t.Cleanup(func() {
		if err := p.write(client, version); err != nil {
			t.Error(err)
		}
	})
	return p
}

func (p *party) write(client, version string) error {
	matrix := os.Getenv("MOCKDUKTOR_MATRIX")
	if matrix == "" || p.features == nil {
		return nil
	}
	line, err := json.Marshal(map[string]any{"client": client, "version": version, "features": p.features})
	if err != nil {
		return err
	}
	file, err := os.OpenFile(matrix, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("MOCKDUKTOR_MATRIX: %w", err)
	}
	_, err = file.Write(append(line, '\n'))
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

func (p *party) feature(name string, run func(t *testing.T)) {
	p.t.Helper()
	if p.t.Run(name, run) {
		p.features = append(p.features, name)
	}
}
