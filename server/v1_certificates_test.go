package server_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/seed"
	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/console"
)

const (
	certificatesV1     = "/public/v1/certificates"
	certificateV1      = certificatesV1 + "/{certificateId}"
	certificateFilesV1 = certificatesV1 + "/file"
	tlsTestV1          = certificatesV1 + "/tls-test"
)

// The fingerprints that keytool prints for the files in testdata/certificates.
const (
	shopCA     = "cec7464f37da04f458ed59c7855c7ea98166a52425f6e161dee307a7e8046ec9"
	shopBroker = "c8feac7c72731e264fb70a3c9e57a63d500552f0d98376896ac59874b872efa8"
)

func certificateFile(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "certificates", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func certificateIDs(w *v1World, who string) []any {
	w.Helper()
	var list []map[string]any
	w.ok(who, http.MethodGet, certificatesV1, nil, nil, 200, &list)
	found := []any{}
	for _, one := range list {
		found = append(found, one["id"])
	}
	return found
}

func TestCertificatesV1Add(t *testing.T) {
	w := startV1(t)
	w.same("none at first", certificateIDs(w, v1Manager), `[]`)
	both := "Subject: CN=broker\n" + certificateFile(t, "leaf.pem") + "\nand its authority\n" + certificateFile(t, "ca.pem") + certificateFile(t, "leaf.pem")
	var added json.RawMessage
	w.ok(v1Manager, http.MethodPost, certificatesV1, nil, map[string]string{"input": both}, 201, &added)
	want := `{"id":"` + shopBroker + `","version":3,"serialNumber":11693083564996729661,"issuerDN":"CN=Shop CA,O=Shop,C=FI","subjectDN":"CN=broker","notBefore":"2026-01-01T00:00:00Z","notAfter":"2125-12-08T00:00:00Z"},
		{"id":"` + shopCA + `","version":3,"serialNumber":4512667517627372727,"issuerDN":"CN=Shop CA,O=Shop,C=FI","subjectDN":"CN=Shop CA,O=Shop,C=FI","notBefore":"2026-01-01T00:00:00Z","notAfter":"2125-12-08T00:00:00Z"}`
	// Serial numbers are longer than a float64 is exact: compare the text.
	if got := compacted(t, string(added)); got != compacted(t, "["+want+"]") {
		t.Errorf("added:\n got %s\nwant %s", got, compacted(t, "["+want+"]"))
	}
	list := w.do(v1Manager, http.MethodGet, certificatesV1, nil, nil)
	if got := compacted(t, string(list.body)); got != compacted(t, "["+want+"]") {
		t.Errorf("listed:\n got %s\nwant %s", got, compacted(t, "["+want+"]"))
	}
	before := w.export()
	w.ok(v1Manager, http.MethodPost, certificatesV1, nil, map[string]string{"input": certificateFile(t, "ca.pem")}, 201, new(any))
	if after := w.export(); after != before {
		t.Errorf("adding one again changed the world:\n%s", v1Difference(before, after))
	}
	for input, says := range map[string]string{
		"":   "there is no certificate in PEM",
		"no": "there is no certificate in PEM",
		certificateFile(t, "ca.pem") + "-----BEGIN CERTIFICATE-----\nnot base64\n-----END CERTIFICATE-----\n": "2 certificates begin, 1 of them",
		certificateFile(t, "ca.pem") + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n":       "certificate 2",
		"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n":                                        "there is no certificate in PEM",
	} {
		w.refused(v1Manager, http.MethodPost, certificatesV1, nil, map[string]string{"input": input}, 400, says)
	}
	w.refused(v1Manager, http.MethodPost, certificatesV1, nil, `{}`, 400, "at 'input'")
	w.refused(v1Manager, http.MethodPost, certificatesV1, nil, `{"input":1}`, 400, "at 'input'")
	w.refused(v1Manager, http.MethodPost, certificatesV1, nil, `x`, 400, "no JSON")
}

func compacted(t testing.TB, text string) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, []byte(text)); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return out.String()
}

func TestCertificatesV1Delete(t *testing.T) {
	w := startV1(t)
	w.ok(v1Manager, http.MethodPost, certificatesV1, nil, map[string]string{"input": certificateFile(t, "leaf.pem") + certificateFile(t, "ca.pem")}, 201, new(any))
	var gone any
	w.ok(v1Manager, http.MethodDelete, certificatesV1+"?ids=absent&ids="+strings.ToUpper(shopCA)+"&ids="+shopCA, nil, nil, 200, &gone)
	w.same("deleted once, what was there", gone, `["`+shopCA+`"]`)
	w.same("left", certificateIDs(w, v1Manager), `["`+shopBroker+`"]`)
	w.ok(v1Manager, http.MethodDelete, certificateV1, ids(shopBroker), nil, 204, nil)
	w.same("left", certificateIDs(w, v1Manager), `[]`)
	w.ok(v1Manager, http.MethodDelete, certificateV1, ids(shopBroker), nil, 204, nil) // it lists no 404
	w.ok(v1Manager, http.MethodDelete, certificatesV1+"?ids="+shopCA, nil, nil, 200, &gone)
	w.same("nothing to delete", gone, `[]`)
	w.refused(v1Manager, http.MethodDelete, certificatesV1, nil, nil, 400, "at 'ids'")
	w.refused(v1Manager, http.MethodDelete, certificatesV1+"?id="+shopCA, nil, nil, 400, "at 'ids'")
}

// upload sends a form as curl --form does.
func (w *v1World) upload(who string, fields map[string]string) answer {
	w.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range fields {
		if name == "file" {
			part, err := form.CreateFormFile(name, "keystore.jks")
			if err != nil {
				w.Fatal(err)
			}
			if _, err := part.Write([]byte(value)); err != nil {
				w.Fatal(err)
			}
		} else if err := form.WriteField(name, value); err != nil {
			w.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		w.Fatal(err)
	}
	return w.post(who, form.FormDataContentType(), &body)
}

func (w *v1World) post(who, contentType string, body io.Reader) answer {
	w.Helper()
	request, err := http.NewRequestWithContext(w.Context(), http.MethodPost, "http://"+w.running.Address()+"/api"+certificateFilesV1, body)
	if err != nil {
		w.Fatal(err)
	}
	if token := w.tokens[who]; token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	request.Header.Set("Content-Type", contentType)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		w.Fatal(err)
	}
	for _, problem := range openapi.Console().ValidateAnswer(http.MethodPost, certificateFilesV1, response.StatusCode, data) {
		w.Errorf("the upload answers %d against the document: %s\n%s", response.StatusCode, problem, data)
	}
	return answer{response.StatusCode, response.Header, data}
}

func TestCertificatesV1Upload(t *testing.T) {
	for _, one := range []struct {
		file, password string
		want           string
	}{
		{"ca.pem", "", `["` + shopCA + `"]`},
		{"leaf.der", "", `["` + shopBroker + `"]`},
		{"leaf.der", "not needed", `["` + shopBroker + `"]`},
		{"keystore.jks", "keystore-1", `["` + shopBroker + `","` + shopCA + `"]`},
		{"trusted.jks", "trusted-1", `["` + shopCA + `"]`},
		{"truststore.jks", "truststore-1", `["` + shopCA + `","` + shopBroker + `"]`},
	} {
		w := startV1(t)
		fields := map[string]string{"file": certificateFile(t, one.file)}
		if one.password != "" {
			fields["jksPassword"] = one.password
		}
		got := w.upload(v1Manager, fields)
		if got.status != 201 {
			t.Errorf("%s: %d %s", one.file, got.status, got.body)
			continue
		}
		var list []map[string]any
		got.json(t, &list)
		found := []any{}
		for _, certificate := range list {
			found = append(found, certificate["id"])
		}
		w.same(one.file, found, one.want)
		w.same("trusted", len(certificateIDs(w, v1Manager)), string(mustJSON(t, len(list))))
	}
}

func TestCertificatesV1UploadRefused(t *testing.T) {
	w := startV1(t)
	before := w.export()
	refused := func(got answer, status int, says string) {
		t.Helper()
		var told problem
		got.json(t, &told)
		if all := told.Title + told.Msg + told.Cause; got.status != status || !strings.Contains(all, says) {
			t.Errorf("answered %d %s, want %d with %q", got.status, got.body, status, says)
		}
	}
	for _, one := range []struct{ file, password, says string }{
		{certificateFile(t, "keystore.jks"), "", "at 'jksPassword'"},
		{certificateFile(t, "keystore.jks"), "wrong", "at 'jksPassword'"},
		{certificateFile(t, "truststore.jks"), "", "at 'jksPassword'"},
		{certificateFile(t, "truststore.jks"), "wrong", "at 'jksPassword'"},
		{certificateFile(t, "keystore.p12"), "keystore-1", "trusted certificates only"},
		{"neither", "", "expected certificates in PEM, DER, JKS"},
		{"", "", "expected certificates in PEM, DER, JKS"},
		{strings.Repeat("x", 50<<20+1), "", "expected at most 52428800 bytes"},
		{strings.Repeat("x", 60<<20), "", "expected at most 52428800 bytes"},
	} {
		fields := map[string]string{"file": one.file}
		if one.password != "" {
			fields["jksPassword"] = one.password
		}
		refused(w.upload(v1Manager, fields), 400, one.says)
	}
	refused(w.upload(v1Manager, map[string]string{"jksPassword": "x"}), 400, "expected a file at 'file'")
	refused(w.upload(v1Manager, map[string]string{"file": "x", "jksPassword": strings.Repeat("x", 5000)}), 400, "at 'jksPassword'")
	refused(w.post(v1Manager, "application/json", strings.NewReader(`{"file":"x"}`)), 400, "multipart/form-data")
	refused(w.post(v1Manager, "multipart/form-data", strings.NewReader(`x`)), 400, "multipart/form-data")
	refused(w.post(v1Manager, "multipart/form-data; boundary=b", strings.NewReader("--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nhalf")), 400, "the form cannot be read")
	for _, who := range []string{v1Nobody, v1Engineer, v1Viewer, v1Instance} {
		refused(w.upload(who, map[string]string{"file": certificateFile(t, "ca.pem")}), 403, "Missing permission: certificateManage")
	}
	refused(w.upload(v1None, map[string]string{"file": certificateFile(t, "ca.pem")}), 401, "Authorization")
	if after := w.export(); after != before {
		t.Errorf("what was refused changed the world:\n%s", v1Difference(before, after))
	}
}

// A seed may hold certificates under names of its own, and an export gives them
// back.
func TestCertificatesV1Seed(t *testing.T) {
	text := "apiVersion: mockduktor/v1\nkind: Certificate\nmetadata:\n  name: shop-ca\nspec:\n  certificate: |\n" +
		indented(certificateFile(t, "ca.pem"))
	documents, err := seed.Load([]string{"-"}, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	running := start(t, server.Config{Documents: documents, Console: console.Settings{AdminPassword: "root-pass-1"}})
	var session struct {
		Token string `json:"access_token"`
	}
	call(t, running, http.MethodPost, "/api/login", "", map[string]string{"username": server.DefaultAdminEmail, "password": "root-pass-1"}).json(t, &session)
	w := &v1World{TB: t, running: running, tokens: map[string]string{v1Admin: session.Token}}
	w.same("the seed's", certificateIDs(w, v1Admin), `["`+shopCA+`"]`)
	before := w.export()
	w.ok(v1Admin, http.MethodPost, certificatesV1, nil, map[string]string{"input": certificateFile(t, "ca.pem")}, 201, new(any))
	if after := w.export(); after != before || !strings.Contains(after, `"shop-ca"`) {
		t.Errorf("it is there twice, or not under its name:\n%s", after)
	}
	w.ok(v1Admin, http.MethodDelete, certificateV1, ids(shopCA), nil, 204, nil)
	w.same("deleted", certificateIDs(w, v1Admin), `[]`)

	for broken, says := range map[string]string{
		strings.Replace(text, "MII", "MIX", 1):                    "certificate",
		text + indented(certificateFile(t, "leaf.pem")):           "there are 2",
		text + "---\n" + strings.Replace(text, "shop-ca", "b", 1): "as shop-ca",
	} {
		documents, err := seed.Load([]string{"-"}, strings.NewReader(broken))
		if err != nil {
			t.Fatal(err)
		}
		if other, err := server.Start(server.Config{Listen: "127.0.0.1:0", Documents: documents}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("a seed with a fault: %v, want %q", err, says)
			if err == nil {
				_ = other.Close(context.Background())
			}
		}
	}
}

func indented(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ") + "\n"
}

// tlsServer shakes hands with whoever comes, as a certificate for the names
// given that lives around an instant; it returns its port and the certificate.
func tlsServer(t *testing.T, around time.Time, config *tls.Config, hosts ...string) (int, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "server"},
		NotBefore: around.Add(-time.Hour), NotAfter: around.Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	config.Certificates = []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}
	port := tcpServer(t, func(connection net.Conn) { _ = tls.Server(connection, config).HandshakeContext(t.Context()) })
	return port, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// tcpServer handles connections on a port until the test ends.
func tcpServer(t *testing.T, handle func(net.Conn)) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			handle(connection)
			_ = connection.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr().(*net.TCPAddr).Port
}

func TestCertificatesV1TLSTest(t *testing.T) {
	w := startV1(t)
	status := func(host string, port int) string {
		t.Helper()
		var result struct{ Status string }
		w.ok(v1Admin, http.MethodPost, tlsTestV1, nil, map[string]any{"host": host, "port": port}, 200, &result)
		return result.Status
	}
	want := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	clock := w.running.Pair().World.Clock
	clock.Freeze()
	port, certificate := tlsServer(t, clock.Now(), &tls.Config{}, "127.0.0.1", "localhost")
	want("before it is trusted", status("127.0.0.1", port), "unchecked_certificate")
	w.ok(v1Admin, http.MethodPost, certificatesV1, nil, map[string]string{"input": certificate}, 201, new(any))
	want("once it is trusted", status("127.0.0.1", port), "checked_certificate")
	want("by name", status("localhost", port), "checked_certificate")
	want("by a name that the certificate lacks", status("kafka.localhost", port), "unchecked_certificate")
	clock.Advance(2 * time.Hour)
	want("when it has expired in this world", status("127.0.0.1", port), "unchecked_certificate")
	clock.Advance(-2 * time.Hour)
	w.ok(v1Admin, http.MethodDelete, certificateV1, ids(fingerprintOf(t, certificate)), nil, 204, nil)
	want("when it is trusted no longer", status("127.0.0.1", port), "unchecked_certificate")

	plain := tcpServer(t, func(connection net.Conn) { _, _ = io.WriteString(connection, "HTTP/1.1 400 Bad Request\r\n\r\n") })
	want("an answer without TLS", status("127.0.0.1", plain), "tls_not_supported")
	hangUp := tcpServer(t, func(connection net.Conn) {})
	want("no answer at all", status("127.0.0.1", hangUp), "tls_not_supported")
	picky, _ := tlsServer(t, clock.Now(), &tls.Config{MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{tls.CurveP521}, NextProtos: []string{"other"},
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return nil, io.ErrUnexpectedEOF }}, "127.0.0.1")
	want("a server that refuses the handshake", status("127.0.0.1", picky), "unexpected_status")

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().(*net.TCPAddr).Port
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	want("nobody there", status("127.0.0.1", closed), "unreachable_target")
}

func fingerprintOf(t testing.TB, text string) string {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatal("no PEM")
	}
	sum := sha256.Sum256(block.Bytes)
	return hex.EncodeToString(sum[:])
}

func TestCertificatesV1TLSTestRefused(t *testing.T) {
	w := startV1(t)
	for body, says := range map[string]string{
		`{"host":"www.google.com","port":443}`:   "--tls-test-any-host",
		`{"host":"10.0.0.1","port":443}`:         "--tls-test-any-host",
		`{"host":"169.254.169.254","port":80}`:   "--tls-test-any-host",
		`{"host":"localhost.example","port":80}`: "--tls-test-any-host",
		`{"host":"0.0.0.0","port":80}`:           "--tls-test-any-host",
		`{"host":"","port":443}`:                 "at 'host'",
		`{"port":443}`:                           "at 'host'",
		`{"host":"localhost"}`:                   "at 'port'",
		`{"host":"localhost","port":0}`:          "at 'port'",
		`{"host":"localhost","port":65536}`:      "at 'port'",
		`{"host":"localhost","port":-1}`:         "at 'port'",
		`{"host":"localhost","port":"443"}`:      "at 'port'",
	} {
		w.refused(v1Manager, http.MethodPost, tlsTestV1, nil, body, 400, says)
	}
}

// With the switch any host is tried; the one here is an address of this machine
// that the rule without it would refuse.
func TestCertificatesV1TLSTestAnyHost(t *testing.T) {
	running := start(t, server.Config{Seeds: []string{"testdata/v1"}, Console: console.Settings{TLSTestAnyHost: true}})
	w := &v1World{TB: t, running: running, tokens: map[string]string{v1Admin: "v1-admin-key"}}
	plain := tcpServer(t, func(connection net.Conn) { _, _ = io.WriteString(connection, "no TLS\r\n") })
	var result struct{ Status string }
	w.ok(v1Admin, http.MethodPost, tlsTestV1, nil, map[string]any{"host": "0.0.0.0", "port": plain}, 200, &result)
	if result.Status != "tls_not_supported" {
		t.Errorf("status %s", result.Status)
	}
}

// The published document lists no 403 here; this server answers it all the same.
func TestCertificatesV1WhoMay(t *testing.T) {
	manage := func(status int) map[string]int {
		return map[string]int{v1None: 401, v1Nobody: 403, v1Engineer: 403, v1Instance: 403, v1Viewer: 403, v1Manager: status, v1Admin: status}
	}
	whoMay(t, []v1Call{
		{http.MethodGet, certificatesV1, nil, nil, manage(200)},
		{http.MethodPost, certificatesV1, nil, map[string]string{"input": certificateFile(t, "ca.pem")}, manage(201)},
		{http.MethodDelete, certificatesV1 + "?ids=x", nil, nil, manage(200)},
		{http.MethodDelete, certificateV1, ids("x"), nil, manage(204)},
		{http.MethodPost, tlsTestV1, nil, `{"host":"127.0.0.1","port":1}`, manage(200)},
	})
}
