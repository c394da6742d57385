package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// asProgram makes the test binary be the program itself, so that tests run the
// real thing: its flags, exit codes, signals and output.
const asProgram = "MOCKDUKTOR_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// program prepares a run of the binary with a clean environment.
func program(t *testing.T, environment []string, arguments ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], arguments...)
	cmd.Env = append([]string{asProgram + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, environment...)
	cmd.Dir = t.TempDir()
	return cmd
}

type outcome struct {
	code        int
	out, errors string
}

func run(t *testing.T, environment []string, arguments ...string) outcome {
	t.Helper()
	cmd := program(t, environment, arguments...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("run %v: %v", arguments, err)
	}
	return outcome{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// running is a server in a process of its own.
type running struct {
	url      string
	greeting string
	cmd      *exec.Cmd
	log      *bytes.Buffer
}

var consoleLine = regexp.MustCompile(`Console\s+(http://\S+)/api`)

// serveBinary starts the binary on a free port and waits for its start-up text,
// which it prints once it answers.
func serveBinary(t *testing.T, environment []string, arguments ...string) *running {
	t.Helper()
	cmd := program(t, environment, append([]string{"--listen", "127.0.0.1:0"}, arguments...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r := &running{cmd: cmd, log: &bytes.Buffer{}}
	cmd.Stderr = r.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		r.greeting += lines.Text() + "\n"
		if found := consoleLine.FindStringSubmatch(lines.Text()); found != nil {
			r.url = found[1]
		}
		if lines.Text() == "Try:" {
			break
		}
	}
	if r.url == "" {
		_ = cmd.Wait()
		t.Fatalf("no start-up text; standard error:\n%s", r.log)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the process
	return r
}

func get(t *testing.T, address, token string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestServeGreetsAnswersAndStops(t *testing.T) {
	r := serveBinary(t, nil)
	for _, want := range []string{"not a product of Conduktor", r.url + "/idp", "ada-password", "team-checkout", "admin@mockduktor.example / adminP4ss!"} {
		if !strings.Contains(r.greeting, want) {
			t.Errorf("the start-up text lacks %q:\n%s", want, r.greeting)
		}
	}
	if status, body := get(t, r.url+"/api/health/ready", ""); status != 200 || body != "READY" {
		t.Errorf("ready: %d %q", status, body)
	}
	if result := run(t, nil, "healthcheck", "--url", r.url); result.code != 0 {
		t.Errorf("healthcheck of a running server: exit %d: %s", result.code, result.errors)
	}
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v; log:\n%s", err, r.log)
	}
	if result := run(t, nil, "healthcheck", "--url", r.url); result.code != 1 || result.errors == "" {
		t.Errorf("healthcheck of a stopped server: exit %d, %q", result.code, result.errors)
	}
}

func TestTokenFromServerAndFromSeed(t *testing.T) {
	r := serveBinary(t, nil)
	for name, arguments := range map[string][]string{
		"server":     {"token", "--as", "ben", "--url", r.url},
		"by e-mail":  {"token", "--as", "BEN@shop.example", "--url", r.url},
		"seed":       {"token", "--as", "ben", "--url", r.url, "--offline"},
		"ID token":   {"token", "--as", "ben", "--url", r.url, "--id-token"},
		"public URL": {"token", "--as", "ben", "--offline", "--public-url", r.url},
	} {
		result := run(t, nil, arguments...)
		if result.code != 0 {
			t.Errorf("%s: exit %d: %s", name, result.code, result.errors)
			continue
		}
		status, body := get(t, r.url+"/api/token/v1/whoami", strings.TrimSpace(result.out))
		if status != 200 || !strings.Contains(body, `"email":"ben@shop.example"`) {
			t.Errorf("%s: whoami: %d %s", name, status, body)
		}
	}
	for name, row := range map[string]struct {
		arguments []string
		want      string
	}{
		"unknown person": {[]string{"token", "--as", "nobody", "--url", r.url}, `nobody has the login or e-mail "nobody"`},
		"unknown client": {[]string{"token", "--as", "ben", "--url", r.url, "--client", "x"}, `client "x"`},
		"disabled":       {[]string{"token", "--as", "kim", "--url", r.url}, "disabled"},
		"nobody named":   {[]string{"token"}, "as"},
	} {
		if result := run(t, nil, row.arguments...); result.code != 1 || !strings.Contains(result.errors, row.want) || result.out != "" && name != "nobody named" {
			t.Errorf("%s: exit %d, output %q, error %q; expected exit 1 and %q", name, result.code, result.out, result.errors, row.want)
		}
	}
}

// A token outlives the server that issued it: keys belong to the seed.
func TestTokenSurvivesRestart(t *testing.T) {
	first := serveBinary(t, nil)
	token := strings.TrimSpace(run(t, nil, "token", "--as", "ada", "--url", first.url).out)
	address := strings.TrimPrefix(first.url, "http://localhost:")
	if err := first.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = first.cmd.Wait()
	second := serveBinary(t, nil, "--listen", "127.0.0.1:"+address)
	if status, body := get(t, second.url+"/api/token/v1/whoami", token); status != 200 {
		t.Errorf("after a restart: %d %s", status, body)
	}
	_ = second.cmd.Process.Kill()
	_ = second.cmd.Wait()
	third := serveBinary(t, nil, "--listen", "127.0.0.1:"+address, "--random-keys")
	if status, body := get(t, third.url+"/api/token/v1/whoami", token); status != 401 || !strings.Contains(body, "of another world") {
		t.Errorf("with random keys: %d %s", status, body)
	}
}

func TestSeedCheckListsEveryFault(t *testing.T) {
	folder := t.TempDir()
	broken := filepath.Join(folder, "broken.yaml")
	text := `apiVersion: v2
kind: Topic
metadata: {name: a.topic, cluster: nowhere}
spec: {partitions: 1, replicationFactor: 1}
---
apiVersion: v1
kind: Application
metadata: {name: shop}
spec:
  title: Shop
  owner: missing-team
`
	if err := os.WriteFile(broken, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	result := run(t, nil, "seed", "check", broken)
	if result.code != 1 {
		t.Errorf("exit %d, expected 1", result.code)
	}
	for _, want := range []string{broken + ":3:", "Cluster nowhere not found", broken + ":11:3", "Group missing-team not found"} {
		if !strings.Contains(result.errors, want) {
			t.Errorf("lacks %q:\n%s", want, result.errors)
		}
	}
	serving := run(t, nil, "--listen", "127.0.0.1:0", "--seed", broken)
	if serving.code != 1 || serving.out != "" {
		t.Errorf("a broken seed started a server: exit %d, %s", serving.code, serving.out)
	}
	if result := run(t, nil, "seed", "check"); result.code != 0 || !strings.Contains(result.out, "no faults") {
		t.Errorf("the default estate: exit %d: %s%s", result.code, result.out, result.errors)
	}
}

func TestSeedExportLoadsToTheSameWorld(t *testing.T) {
	first := run(t, nil, "seed", "export")
	if first.code != 0 {
		t.Fatalf("exit %d: %s", first.code, first.errors)
	}
	file := filepath.Join(t.TempDir(), "world.yaml")
	if err := os.WriteFile(file, []byte(first.out), 0o600); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.yaml")
	second := run(t, nil, "seed", "export", "--output", copied, file)
	if second.code != 0 {
		t.Fatalf("exit %d: %s", second.code, second.errors)
	}
	again, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	if string(again) != first.out {
		t.Error("the export of an export differs")
	}
}

// Flag, then environment, then file, then default.
func TestWhereSettingsComeFrom(t *testing.T) {
	file := filepath.Join(t.TempDir(), "settings.yaml")
	if err := os.WriteFile(file, []byte("console-version: 1.40.0\nplan: free\nseed: [empty]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	environment := []string{"MOCKDUKTOR_CONFIG=" + file, "CDK_ADMIN_EMAIL=root@acme.example", "MOCKDUKTOR_CONSOLE_VERSION=1.41.0"}
	r := serveBinary(t, environment, "--console-version", "1.42.0")
	if _, body := get(t, r.url+"/api/versions", ""); !strings.Contains(body, `"platform":"1.42.0"`) {
		t.Errorf("the flag does not win: %s", body)
	}
	if !strings.Contains(r.greeting, "root@acme.example") {
		t.Errorf("CDK_ADMIN_EMAIL is not heard:\n%s", r.greeting)
	}
	if strings.Contains(r.greeting, "ada") {
		t.Errorf("the file's seed is not heard:\n%s", r.greeting)
	}
	r = serveBinary(t, environment)
	if _, body := get(t, r.url+"/api/versions", ""); !strings.Contains(body, `"platform":"1.41.0"`) {
		t.Errorf("the environment does not win over the file: %s", body)
	}
	r = serveBinary(t, environment[:1])
	if _, body := get(t, r.url+"/api/versions", ""); !strings.Contains(body, `"platform":"1.40.0"`) {
		t.Errorf("the file does not win over the default: %s", body)
	}
}

func TestBadSettingsAreExplained(t *testing.T) {
	folder := t.TempDir()
	unknown := filepath.Join(folder, "unknown.yaml")
	if err := os.WriteFile(unknown, []byte("plan: free\nlisten-on: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	held := serveBinary(t, nil)
	port := strings.TrimPrefix(held.url, "http://localhost:")
	for name, row := range map[string]struct {
		arguments []string
		want      string
	}{
		"flag":            {[]string{"--lisen", "x"}, "lisen"},
		"command":         {[]string{"servee"}, "servee"},
		"flag in front":   {[]string{"--seed", "empty", "token", "--as", "ada", "--offline"}, "write flags behind the command: mockduktor token --seed"},
		"listen":          {[]string{"--listen", "8080"}, "--listen \"8080\": expected host:port"},
		"taken port":      {[]string{"--listen", "127.0.0.1:" + port}, "address already in use"},
		"public URL":      {[]string{"--public-url", "localhost:8080"}, "--public-url"},
		"public slash":    {[]string{"--public-url", "http://localhost:8080/"}, "slash"},
		"plan":            {[]string{"--plan", "gold"}, "expected enterprise or free"},
		"log level":       {[]string{"--log-level", "loud"}, "expected debug, info, warn or error"},
		"leeway":          {[]string{"--jwt-leeway", "-1s"}, "--jwt-leeway"},
		"missing config":  {[]string{"--config", filepath.Join(folder, "none.yaml")}, "there is no such file"},
		"unknown setting": {[]string{"--config", unknown}, unknown + ":2:1: unknown setting \"listen-on\""},
		"missing seed":    {[]string{"--seed", filepath.Join(folder, "none.yaml")}, "none.yaml"},
	} {
		result := run(t, nil, row.arguments...)
		if result.code != 1 || !strings.Contains(result.errors, row.want) {
			t.Errorf("%s: exit %d, error %q; expected exit 1 and %q", name, result.code, result.errors, row.want)
		}
	}
}

func TestHelpShowsEverySource(t *testing.T) {
	result := run(t, nil, "serve", "--help")
	if got := strings.Count(result.out, "--listen HOST:PORT"); got != 1 {
		t.Errorf("help shows --listen %d times, expected once:\n%s", got, result.out)
	}
	for _, want := range []string{"--listen", "MOCKDUKTOR_LISTEN", "CDK_SSO_JWTAUTH_ISSUER", "default: \"127.0.0.1:8080\"", "--config"} {
		if !strings.Contains(result.out, want) {
			t.Errorf("help lacks %q:\n%s", want, result.out)
		}
	}
}

// Requests under way are answered before the server ends.
func TestShutdownFinishesRequests(t *testing.T) {
	r := serveBinary(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	// The server asks for the body once the handler reads it: then the request
	// is under way.
	reading := make(chan struct{})
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got100Continue: func() { close(reading) }})
	body, write := io.Pipe()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+"/api/login", body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Expect", "100-continue")
	client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: 20 * time.Second}}
	type result struct {
		status int
		err    error
	}
	answered := make(chan result, 1)
	go func() {
		response, err := client.Do(request)
		if err != nil {
			answered <- result{err: err}
			return
		}
		response.Body.Close()
		answered <- result{status: response.StatusCode}
	}()
	select {
	case <-reading:
	case early := <-answered:
		t.Fatalf("answered before the body was sent: %+v", early)
	}
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _, err := write.Write([]byte(`{"username":"ada","password":"ada-password"}`)); err != nil {
		t.Fatal(err)
	}
	write.Close()
	if got := <-answered; got.err != nil || got.status != http.StatusOK {
		t.Errorf("status %d, %v; expected 200", got.status, got.err)
	}
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}
