package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// same wants the bytes that the server answered the first time, after proof has
// found that answer to be good.
func same(l *load, proof func(body []byte) error) func(int, answer) error {
	var first []byte
	var once sync.Once
	return func(_ int, got answer) error {
		var err error
		once.Do(func() {
			if err = proof(got.body); err == nil {
				first = bytes.Clone(got.body)
			}
		})
		if err != nil {
			return err
		}
		if got.status != http.StatusOK || !bytes.Equal(got.body, first) {
			return errors.New("wrong answer")
		}
		return nil
	}
}

// array proves a JSON array of so many objects.
func array(count int) func([]byte) error {
	return func(body []byte) error {
		var list []map[string]any
		if err := json.Unmarshal(body, &list); err != nil {
			return err
		}
		if len(list) != count {
			return fmt.Errorf("%d objects, expected %d", len(list), count)
		}
		return nil
	}
}

// member proves a JSON object that has a member.
func member(name string) func([]byte) error {
	return func(body []byte) error {
		var object map[string]any
		if err := json.Unmarshal(body, &object); err != nil {
			return err
		}
		if object[name] == nil {
			return fmt.Errorf("there is no %s", name)
		}
		return nil
	}
}

// text proves bytes.
func text(want string) func([]byte) error {
	return func(body []byte) error {
		if string(body) != want {
			return fmt.Errorf("expected %q", want)
		}
		return nil
	}
}

// holds wants a status and a body with a part in it.
func holds(status int, part string) func(int, answer) error {
	return func(_ int, got answer) error {
		if got.status != status || !bytes.Contains(got.body, []byte(part)) {
			return fmt.Errorf("wrong answer, expected %d with %s", status, part)
		}
		return nil
	}
}

// issued wants an access token that a key of the set has signed with alg, never
// the same twice.
func issued(keys jwk.Set, alg string) func(int, answer) error {
	var seen sync.Map
	return func(_ int, got answer) error {
		var tokens struct {
			AccessToken string `json:"access_token"`
		}
		if err := json.Unmarshal(got.body, &tokens); err != nil || got.status != http.StatusOK {
			return errors.Join(errors.New("wrong answer"), err)
		}
		if _, known := seen.LoadOrStore(tokens.AccessToken, true); known {
			return errors.New("the token came before")
		}
		message, err := jws.Parse([]byte(tokens.AccessToken))
		if err != nil {
			return err
		}
		if used := message.Signatures()[0].ProtectedHeaders().Algorithm(); used.String() != alg {
			return fmt.Errorf("the token is signed with %s, not %s", used, alg)
		}
		_, err = jws.Verify([]byte(tokens.AccessToken), jws.WithKeySet(keys))
		return err
	}
}
