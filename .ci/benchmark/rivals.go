package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// rival is another mock, as .ci/bench has fetched it.
type rival struct {
	name      string
	ready     string // path that it answers with 200 once it is there
	arguments []string
	loads     func(p *process) (map[string]*load, error)
}

const (
	discoveryWork = "discovery"
	tokenWork     = "RS256 token"
	listWork      = "list of topics"
)

const rivalFolder = ".ci/benchmark/rivals/"

var rivals = []rival{
	{"mockoidc", "/oidc/.well-known/openid-configuration", []string{"bin/mockoidc"}, mockoidcLoads},
	{"oauth2-mock-server", "/.well-known/openid-configuration",
		[]string{"node", rivalFolder + "node_modules/oauth2-mock-server/dist/oauth2-mock-server.mjs", "-a", "127.0.0.1", "-p", "{port}"}, oauth2MockLoads},
	{"prism", topicsPath, []string{"node", rivalFolder + "node_modules/@stoplight/prism-cli/dist/index.js", "mock", "-h", "127.0.0.1", "-p", "{port}",
		"openapi/dist/console.yaml"}, prismLoads},
}

// rivalLines measure the same work by others, each beside ours.
func (b *bench) rivalLines(small *process) ([]line, error) {
	ours, err := b.oursBeside(small)
	if err != nil {
		return nil, err
	}
	var lines []line
	for _, r := range rivals {
		started, idle, err := r.start(b.rivals)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line{what: r.name + ": exec to first answer, memory idle", limit: fmt.Sprintf("%s, %.0f MiB", duration(started), float64(idle)/(1<<20))})
		p, err := serve(b.core, r.ready, nil, r.arguments...)
		if err != nil {
			return nil, err
		}
		loads, err := r.loads(p)
		if err != nil {
			return nil, err
		}
		var rows []*row
		for _, work := range []string{discoveryWork, tokenWork, listWork} {
			if loads[work] != nil {
				rows = append(rows, &row{what: r.name + ": " + work, ours: ours[work], limit: loads[work], count: 300, limits: 100})
			}
		}
		if err := measure(rows, min(b.rounds, 7)); err != nil {
			return nil, err
		}
		for _, row := range rows {
			lines = append(lines, row.line())
		}
		if err := p.stop(); err != nil {
			return nil, err
		}
	}
	return lines, nil
}

// start is how long a rival takes to its first answer, the median of a few, and
// what memory it has half a second later.
func (r rival) start(cores string) (time.Duration, int64, error) {
	var took []spent
	var idle int64
	for range 5 {
		began := time.Now()
		p, err := serve(cores, r.ready, nil, r.arguments...)
		if err != nil {
			return 0, 0, err
		}
		took = append(took, spent{cpu: time.Since(began)})
		time.Sleep(time.Second / 2)
		if idle, err = p.resident(); err != nil {
			return 0, 0, err
		}
		if err := p.stop(); err != nil {
			return 0, 0, err
		}
	}
	return median(took, func(s spent) time.Duration { return s.cpu }), idle, nil
}

// oursBeside are our loads of what the rivals do.
func (b *bench) oursBeside(p *process) (map[string]*load, error) {
	known, err := mint(p, 64, "", "ada", "ben")
	if err != nil {
		return nil, err
	}
	list := &load{name: "list", server: p, connections: connections, request: func(i int) []byte {
		return get(p.address, topicsPath, known[i%len(known)])
	}}
	list.check = same(list, array(11))
	return map[string]*load{
		discoveryWork: fetch("discovery", p, "/idp/.well-known/openid-configuration", member("jwks_uri")),
		tokenWork:     tokenLoad("token", p, "/idp/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"bench-RS256"}, "client_secret": {"bench-secret"}}),
		listWork:      list,
	}, nil
}

// topicsPath is the list that is asked for.
const topicsPath = "/public/kafka/v2/cluster/staging/topic"

// tokenLoad asks a token endpoint; whether the signature is good is no matter here.
func tokenLoad(name string, p *process, path string, form url.Values) *load {
	return &load{name: name, server: p, connections: connections, check: holds(http.StatusOK, `"access_token":"ey`),
		request: always(request("POST", p.address, path, "", "application/x-www-form-urlencoded", form.Encode()))}
}

func oauth2MockLoads(p *process) (map[string]*load, error) {
	return map[string]*load{
		discoveryWork: fetch("oauth2-mock-server", p, "/.well-known/openid-configuration", member("jwks_uri")),
		tokenWork:     tokenLoad("oauth2-mock-server", p, "/token", url.Values{"grant_type": {"client_credentials"}, "scope": {"email"}}),
	}, nil
}

// mockoidcLoads refresh a token, as client credentials are not in mockoidc; that
// makes an ID token too, a second signature.
func mockoidcLoads(p *process) (map[string]*load, error) {
	c, err := dial(p.address)
	if err != nil {
		return nil, err
	}
	defer c.close()
	query := url.Values{"client_id": {"bench"}, "scope": {"openid"}, "response_type": {"code"}, "redirect_uri": {"http://localhost/callback"}, "state": {"s"}, "nonce": {"n"}}
	got, err := c.ask(get(p.address, "/oidc/authorize?"+query.Encode(), ""))
	if err != nil {
		return nil, err
	}
	location, err := url.Parse(got.header.Get("Location"))
	if err != nil {
		return nil, err
	}
	client := url.Values{"client_id": {"bench"}, "client_secret": {"bench-secret"}}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {location.Query().Get("code")}}
	got, err = c.ask(request("POST", p.address, "/oidc/token", "", "application/x-www-form-urlencoded", form.Encode()+"&"+client.Encode()))
	if err != nil {
		return nil, err
	}
	var tokens struct {
		RefreshToken string `json:"refresh_token"`
	}
	if err := json.Unmarshal(got.body, &tokens); err != nil || tokens.RefreshToken == "" {
		return nil, errors.Join(fmt.Errorf("mockoidc gave no refresh token: %d %s", got.status, got.body), err)
	}
	client.Set("grant_type", "refresh_token")
	client.Set("refresh_token", tokens.RefreshToken)
	return map[string]*load{
		discoveryWork: fetch("mockoidc", p, "/oidc/.well-known/openid-configuration", member("jwks_uri")),
		tokenWork:     tokenLoad("mockoidc", p, "/oidc/token", client),
	}, nil
}

// prismLoads list topics, of which prism makes up what the document shows as an
// example.
func prismLoads(p *process) (map[string]*load, error) {
	l := &load{name: "prism", server: p, connections: connections, request: always(get(p.address, topicsPath, "any"))}
	l.check = same(l, func(body []byte) error {
		var list []map[string]any
		if err := json.Unmarshal(body, &list); err != nil || len(list) == 0 {
			return errors.Join(errors.New("no topics"), err)
		}
		return nil
	})
	return map[string]*load{listWork: l}, nil
}
