package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The same names as a flag, in the environment and in the file.
func TestLimitsAreSettings(t *testing.T) {
	mapping := filepath.Join(t.TempDir(), "mapping.yaml")
	if err := os.WriteFile(mapping, []byte("limit: {url: 200, body: 8M}\ntimeout:\n  shutdown: 5s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(t.TempDir(), "list.yaml")
	if err := os.WriteFile(list, []byte("limit: [url=200, body=8M]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]*running{
		"flag":                serveBinary(t, nil, "--limit", "url=200", "--limit", "body=8M"),
		"environment":         serveBinary(t, []string{"MOCKDUKTOR_LIMIT=url=200,body=8M", "MOCKDUKTOR_TIMEOUT=read=30s"}),
		"names in the file":   serveBinary(t, nil, "--config", mapping),
		"list in the file":    serveBinary(t, nil, "--config", list),
		"flag over the file":  serveBinary(t, nil, "--config", list, "--limit", "url=200"),
		"environment and all": serveBinary(t, []string{"MOCKDUKTOR_CONFIG=" + mapping, "MOCKDUKTOR_LIMIT=url=200"}),
	} {
		if status, body := get(t, r.url+"/api/versions?"+strings.Repeat("x", 300), ""); status != 414 || !strings.Contains(body, "--limit url=") {
			t.Errorf("%s: %d %s", name, status, body)
		}
		if status, _ := get(t, r.url+"/api/versions", ""); status != 200 {
			t.Errorf("%s: %d for a short address", name, status)
		}
	}
	for flags, want := range map[string]string{
		"--limit bodies=1": "expected one of connections", "--limit body=x": "body=N", "--limit body": "such as body=4M",
		"--timeout reading=1s": "expected one of header", "--timeout read=fast": "read=DURATION", "--timeout read=-1s": "read=DURATION",
	} {
		if result := run(t, nil, strings.Fields(flags)...); result.code != 1 || !strings.Contains(result.errors, want) {
			t.Errorf("%s: exit %d, %q; expected exit 1 and %q", flags, result.code, result.errors, want)
		}
	}
}

// slowly begins a request that a fault delays, and returns once it is delayed.
func slowly(t *testing.T, r *running, latency string) *bufio.Reader {
	t.Helper()
	putFault(t, r.url+"/_mock/faults", `{"id": "slow", "match": {"operation": "describeToken"}, "effect": {"latency": "`+latency+`"}}`)
	token := strings.TrimSpace(run(t, nil, "token", "--as", "ada", "--url", r.url).out)
	connection, err := net.Dial("tcp", "127.0.0.1:"+r.url[strings.LastIndex(r.url, ":")+1:])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	if _, err := io.WriteString(connection, "GET /api/token/v1/whoami HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "+token+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	for { // the fault is counted before it delays
		if _, body := get(t, r.url+"/_mock/faults/slow", ""); strings.Contains(body, `"fired":1`) {
			return bufio.NewReader(connection)
		}
		if t.Context().Err() != nil {
			t.Fatal("the fault never fires")
		}
	}
}

func putFault(t *testing.T, address, body string) {
	t.Helper()
	response, err := http.Post(address, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode >= 400 {
		text, _ := io.ReadAll(response.Body)
		t.Fatalf("%s: %d %s", address, response.StatusCode, text)
	}
}

// A request that a fault delays is answered after SIGTERM, while nobody new is
// let in.
func TestShutdownFinishesDelayedRequests(t *testing.T) {
	r := serveBinary(t, nil, "--timeout", "shutdown=60s")
	answer := slowly(t, r, "2s")
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for { // until the listener is closed
		connection, err := net.Dial("tcp", "127.0.0.1:"+r.url[strings.LastIndex(r.url, ":")+1:])
		if err != nil {
			break
		}
		connection.Close()
		if t.Context().Err() != nil {
			t.Fatal("new connections are let in")
		}
	}
	response, err := http.ReadResponse(answer, nil)
	if err != nil {
		t.Fatalf("the request under way: %v; log:\n%s", err, r.log)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != 200 || !strings.Contains(string(body), "ada@shop.example") {
		t.Errorf("%d %s %v", response.StatusCode, body, err)
	}
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v; log:\n%s", err, r.log)
	}
}

// A request that takes longer than the server waits is cut, and so is one whose
// client does not send on.
func TestShutdownGivesUp(t *testing.T) {
	r := serveBinary(t, nil, "--timeout", "shutdown=1s")
	answer := slowly(t, r, "5m")
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if response, err := http.ReadResponse(answer, nil); err == nil {
		t.Errorf("answered: %d", response.StatusCode)
	}
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("a delay that is cut at once: %v; log:\n%s", err, r.log)
	}

	r = serveBinary(t, nil, "--timeout", "shutdown=1s")
	connection, err := net.Dial("tcp", "127.0.0.1:"+r.url[strings.LastIndex(r.url, ":")+1:])
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if _, err := io.WriteString(connection, "POST /api/login HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(connection)
	if line, err := reader.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q %v", line, err)
	}
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(reader); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("the connection: %v", err)
	}
	if err := r.cmd.Wait(); err == nil || r.cmd.ProcessState.ExitCode() != 1 || !strings.Contains(r.log.String(), "shut down") {
		t.Errorf("a body that never comes: %v; log:\n%s", err, r.log)
	}
}
