package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// mint asks the server's control API for count tokens of different people; fault
// "" for good ones. They are all different, or it is an error.
func mint(p *process, count int, fault string, people ...string) ([]string, error) {
	tokens := make([]string, count)
	const askers = 4
	failed := make([]error, askers)
	var all sync.WaitGroup
	for n := range askers {
		all.Go(func() {
			failed[n] = mintEvery(p, tokens, n, askers, fault, people)
		})
	}
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		return nil, fmt.Errorf("mint tokens: %w", err)
	}
	seen := map[string]bool{}
	for _, token := range tokens {
		if seen[token] {
			return nil, errors.New("mint tokens: one came twice")
		}
		seen[token] = true
	}
	return tokens, nil
}

func mintEvery(p *process, tokens []string, from, step int, fault string, people []string) error {
	c, err := dial(p.address)
	if err != nil {
		return err
	}
	defer c.close()
	for i := from; i < len(tokens); i += step {
		// Without openid there is no ID token to sign.
		wanted := map[string]string{"as": people[i%len(people)], "client_id": "backstage", "scope": "email groups"}
		if fault != "" {
			wanted["fault"] = fault
		}
		body, err := json.Marshal(wanted)
		if err != nil {
			return err
		}
		got, err := c.ask(request("POST", p.address, "/_mock/tokens", "", "application/json", string(body)))
		if err != nil {
			return err
		}
		var minted struct {
			AccessToken string `json:"access_token"`
		}
		if err := json.Unmarshal(got.body, &minted); err != nil || got.status != http.StatusOK || minted.AccessToken == "" {
			return fmt.Errorf("%d %s", got.status, got.body)
		}
		tokens[i] = minted.AccessToken
	}
	return nil
}

// forged gives each token the signature of the next one.
func forged(tokens []string) []string {
	out := make([]string, len(tokens))
	for i, token := range tokens {
		next := tokens[(i+1)%len(tokens)]
		out[i] = token[:strings.LastIndex(token, ".")] + next[strings.LastIndex(next, "."):]
	}
	return out
}
