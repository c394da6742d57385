package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwk"
)

// algorithms are those that tokens can be signed with.
var algorithms = []string{"RS256", "PS256", "ES256", "EdDSA"}

// connections of a load, if it does not need to ask one by one.
const connections = 8

// bench is one run.
type bench struct {
	binary string // of the server
	core   string // of servers; "" for all
	start  string // what .ci/start said of the binary
	folder string // for seeds
	rounds int
	only   string // part of the names of rows; "" for all
	rivals string // cores that rivals start on; "" leaves them out
	bare   *process
	beside []line // of the rivals
}

// ours starts the server with the default seed and further documents.
func (b *bench) ours(name string, environment, documents []string) (*process, error) {
	arguments := []string{b.binary, "--listen", "127.0.0.1:{port}", "--seed", "default"}
	if len(documents) > 0 {
		path := filepath.Join(b.folder, name+".json")
		if err := writeSeed(path, documents); err != nil {
			return nil, err
		}
		arguments = append(arguments, "--seed", path)
	}
	return serve(b.core, "/api/health/ready", environment, arguments...)
}

// always sends the same request.
func always(request []byte) func(int) []byte { return func(int) []byte { return request } }

// fetch is a load that gets one path whose answer never changes.
func fetch(name string, p *process, path string, proof func([]byte) error) *load {
	l := &load{name: name, server: p, connections: connections, request: always(get(p.address, path, ""))}
	l.check = same(l, proof)
	return l
}

func (b *bench) hello() *load { return fetch("hello", b.bare, "/hello", text(hello)) }

// repeats is a load of the bare process that does its work times over in each
// request.
func (b *bench) repeats(name, path string, times int) *load {
	l := fetch(name, b.bare, path+"/"+strconv.Itoa(times), text("done"))
	l.works = times
	return l
}

// providerRows are the identity provider's promises.
func (b *bench) providerRows(ctx context.Context, p *process) ([]*row, error) {
	rows := []*row{
		{what: "discovery", ours: fetch("discovery", p, "/idp/.well-known/openid-configuration", member("jwks_uri")),
			limit: b.hello(), count: 3000, limits: 3000, promise: "≤ 1.2 × hello", kept: atMost(1.2)},
		{what: "JWKS", ours: fetch("JWKS", p, "/idp/jwks", member("keys")),
			limit: b.hello(), count: 3000, limits: 3000, promise: "≤ 1.2 × hello", kept: atMost(1.2)},
	}
	keys, err := jwk.Fetch(ctx, "http://"+p.address+"/idp/jwks")
	if err != nil {
		return nil, err
	}
	for _, alg := range algorithms {
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"bench-" + alg}, "client_secret": {"bench-secret"}}
		count, promise, kept := 150, "signature ≥ 80 %", shareOf(0.8)
		if alg == "ES256" || alg == "EdDSA" {
			count, promise, kept = 1500, "", nil
		}
		rows = append(rows, &row{what: alg + " token",
			ours: &load{name: alg, server: p, connections: connections, check: issued(keys, alg),
				request: always(request("POST", p.address, "/idp/token", "", "application/x-www-form-urlencoded", form.Encode()))},
			limit: b.repeats("signature", "/sign/"+alg, 50), count: count, limits: max(1, count/50), promise: promise, kept: kept})
	}
	return rows, nil
}

// perRound is how many tokens are shown for the first time in a round.
const perRound = 200

// consoleRows are the promises about lists and tokens.
func (b *bench) consoleRows(p *process) ([]*row, error) {
	const path, shown = topicsPath, 11
	list := func(name, path string, proof func([]byte) error, tokens []string) *load {
		requests := make([][]byte, len(tokens))
		for i, token := range tokens {
			requests[i] = get(p.address, path, token)
		}
		l := &load{name: name, server: p, connections: connections, request: func(i int) []byte { return requests[i%len(requests)] }}
		l.check = same(l, proof)
		return l
	}
	known, err := mint(p, 64, "", "ada", "ben")
	if err != nil {
		return nil, err
	}
	each := (b.rounds + 1) * perRound
	fresh, err := mint(p, 3*each, "", "ada", "ben")
	if err != nil {
		return nil, err
	}
	expired, err := mint(p, 64, "expired", "ada", "ben")
	if err != nil {
		return nil, err
	}
	admin, err := mint(p, 16, "", "admin")
	if err != nil {
		return nil, err
	}
	refused := func(name, reason string, tokens []string) *load {
		l := list(name, path, nil, tokens)
		l.check = holds(http.StatusUnauthorized, reason)
		return l
	}
	accepted := func(n int) *load { return list("new token", path, array(shown), fresh[n*each:(n+1)*each]) }
	return []*row{
		{what: "list of 11 topics, known token", ours: list("list, known token", path, array(shown), known),
			limit: b.hello(), count: 2000, limits: 3000, promise: "≤ 1.3 × hello", kept: atMost(1.3)},
		{what: "list of 11 topics, new token", ours: accepted(0),
			limit: b.hello(), count: perRound, limits: 3000, promise: "≤ 5.5 × hello", kept: atMost(5.5)},
		{what: "list of 1,000 topics", ours: list("list of 1,000", "/public/kafka/v2/cluster/"+cluster+"/topic", array(granted), admin),
			limit: b.repeats("memdb read", "/read/1000", 100), count: 300, limits: 5, promise: "≤ 400 µs", kept: under(400 * time.Microsecond)},
		{what: "forged token refused", ours: refused("forged", "signature is wrong", forged(fresh[:each])),
			limit: accepted(1), count: perRound, limits: perRound, promise: "≤ new token", kept: atMost(1)},
		{what: "expired token refused", ours: refused("expired", "expired", expired),
			limit: accepted(2), count: perRound, limits: perRound, promise: "≤ new token", kept: atMost(1)},
	}, nil
}

// worldRows are the promises about resets and sandboxes; the world has count
// resources.
func (b *bench) worldRows(p *process, count int) []*row {
	person := `{"apiVersion":"mockduktor/v1","kind":"Person","metadata":{"name":"new"},"spec":{}}`
	one := func(name string, check func(int, answer) error, before, request func(int) []byte) *load {
		return &load{name: name, server: p, connections: 1, check: check, before: before, request: request}
	}
	return []*row{
		{what: fmt.Sprintf("reset of %d resources", count),
			ours: one("reset", holds(http.StatusNoContent, ""),
				always(request("PUT", p.address, "/_mock/v1/person", "", "application/json", person)),
				always(request("POST", p.address, "/_mock/reset", "", "", ""))),
			limit: b.hello(), count: 300, limits: 3000, promise: "< 1 ms", kept: under(time.Millisecond)},
		{what: fmt.Sprintf("fork of %d resources", count),
			ours: one("fork", holds(http.StatusCreated, `"id":"bench-`), nil, func(i int) []byte {
				return request("POST", p.address, "/_mock/sandboxes", "", "application/json", fmt.Sprintf(`{"id":"bench-%d"}`, i))
			}),
			limit: b.hello(), count: 300, limits: 3000, promise: "< 1 ms", kept: under(time.Millisecond)},
	}
}
