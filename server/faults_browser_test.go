package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/mockduktor/mockduktor/server"
)

// browserPage fetches each address and reports what fetch made of it, in order.
const browserPage = `<!doctype html><title>fetch</title><script>
(async () => {
  const seen = []
  for (const one of %s) {
    const result = {name: one.name}
    const began = performance.now()
    try {
      const response = await fetch(one.url, {headers: one.headers, signal: AbortSignal.timeout(one.timeout)})
      result.status = response.status
      result.retry = response.headers.get('Retry-After') || ''
      result.body = await response.text()
      try { JSON.parse(result.body); result.json = true } catch { result.json = false }
    } catch (error) {
      result.error = error.name
    }
    result.took = performance.now() - began
    seen.push(result)
  }
  await fetch('/seen', {method: 'POST', body: JSON.stringify(seen)})
})()
</script>`

// A page meets the faults by fetch, in a headless Chromium.
func TestFaultsInABrowser(t *testing.T) {
	var chromium string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			chromium = path
			break
		}
	}
	if chromium == "" {
		t.Skip("there is no chromium here: faults are not seen by a browser")
	}
	running := start(t, server.Config{})
	type request struct {
		Name    string            `json:"name"`
		URL     string            `json:"url"`
		Headers map[string]string `json:"headers"`
		Timeout int               `json:"timeout"` // milliseconds
	}
	var requests []request
	base := "http://" + running.Address()
	bearer := map[string]string{"Authorization": "Bearer " + tokenOf(t, running, "ada")}
	for surface, target := range map[string]request{
		"console": {URL: base + "/api" + faultyTopics, Headers: bearer},
		"idp":     {URL: base + "/idp/userinfo", Headers: bearer},
	} {
		for kind, effect := range map[string]string{
			"status": `{"status": 503}`, "limited": `{"status": 429, "retry_after": 4}`, "dropped": `{"drop": "after_headers"}`, "truncated": `{"truncate": 20}`,
			"malformed": `{"malformed": true}`, "slow": `{"latency": "40ms"}`, "too slow": `{"latency": "5m"}`, "drip": `{"drip": {"bytes": 4096, "every": "1ms"}}`,
		} {
			one := request{Name: surface + " " + kind, URL: target.URL + "?" + surface, Headers: target.Headers, Timeout: 60_000}
			if kind == "too slow" {
				one.Timeout = 200
			}
			requests = append(requests, one)
			fault(t, running, "", fmt.Sprintf(`{"match": {"surface": %q, "method": "GET", "person": "ada"}, "times": 1, "effect": %s}`, surface, effect))
		}
		requests = append(requests, request{Name: surface + " unharmed", URL: target.URL, Headers: target.Headers, Timeout: 60_000})
	}
	list, err := json.Marshal(requests)
	if err != nil {
		t.Fatal(err)
	}
	type result struct {
		Name, Retry, Body, Error string
		Status                   int
		JSON                     bool
		Took                     float64
	}
	seen := make(chan []result, 1)
	pages := http.NewServeMux()
	pages.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, browserPage, list)
	})
	pages.HandleFunc("POST /seen", func(_ http.ResponseWriter, r *http.Request) {
		var results []result
		if err := json.NewDecoder(r.Body).Decode(&results); err != nil {
			t.Error(err)
		}
		seen <- results
	})
	site := httptest.NewServer(pages)
	defer site.Close()
	// Processes of a browser that was killed may write for a moment more, which
	// t.TempDir would call a failure.
	profile, err := os.MkdirTemp("", "mockduktor-browser-*")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(profile) })
	// The Console sends no CORS headers; its pages are on its own origin, which
	// this one stands in for.
	arguments := []string{"--headless=new", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
		"--disable-web-security", "--user-data-dir=" + profile, "--remote-debugging-port=0", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", site.URL}
	if os.Geteuid() == 0 {
		arguments = append([]string{"--no-sandbox"}, arguments...)
	}
	browser := exec.CommandContext(t.Context(), chromium, arguments...)
	if err := browser.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- browser.Wait() }()
	stop := func() {
		_ = browser.Process.Kill()
		<-ended
	}
	var results []result
	select {
	case results = <-seen:
		stop()
	case err := <-ended:
		t.Fatalf("the browser has ended: %v", err)
	case <-time.After(2 * time.Minute):
		stop()
		t.Fatal("the page has not reported in two minutes")
	}
	counts := map[string]int{}
	for _, one := range results {
		switch {
		case one.Error == "TimeoutError":
			counts["given up"]++
		case one.Error != "":
			counts["broken off"]++
		case one.Status == 503 && one.JSON:
			counts["503"]++
		case one.Status == 429 && one.JSON:
			counts["429"]++
		case one.Status == 200 && !one.JSON:
			counts["no JSON"]++
		case one.Status == 200:
			counts["good"]++
		default:
			counts["unexpected"]++
			t.Errorf("%+v", one)
		}
	}
	// The rules fire in the order in which the maps gave them, the same in which
	// the page asks: each name is met by its own effect.
	want := map[string]int{"503": 2, "429": 2, "broken off": 4, "no JSON": 2, "given up": 2, "good": 6}
	if fmt.Sprint(counts) != fmt.Sprint(want) {
		t.Errorf("the page saw %v, expected %v\n%+v", counts, want, results)
	}
	for _, one := range results {
		if (one.Name == "console slow" || one.Name == "idp slow") && one.Took < 40 {
			t.Errorf("%s took %v ms", one.Name, one.Took)
		}
	}
}
