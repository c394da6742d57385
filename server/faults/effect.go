package faults

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Drop says when a connection ends.
type Drop string

// The moments at which a connection ends.
const (
	DropBefore Drop = "before_headers"
	DropAfter  Drop = "after_headers"
)

// Rotation says what becomes of the old keys.
type Rotation string

// The rotations of keys.
const (
	RotateReplace Rotation = "replace" // tokens of the old keys are refused
	RotateAdd     Rotation = "add"     // the old keys stay published
)

// Bounds of the times that an effect takes.
const (
	maxLatency = 5 * time.Minute
	maxEvery   = time.Minute
)

// Effect is what happens to a request that goes wrong.
type Effect struct {
	Status                int // 0: the answer is made as ever
	Title, Message, Error string
	RetryAfter            *int // seconds
	Latency, Jitter       time.Duration
	Drop                  Drop
	Truncate              *int // bytes of the body that are sent
	Malformed             bool
	DripBytes             int
	DripEvery             time.Duration
	Issuer                string
	Rotate                Rotation
	RevokeRefresh         bool
	Groups                []string // nil: they stay
	GroupsOf              string   // "": of the request's person
}

// effect reads an effect and refuses what could never happen.
func (p *parser) effect(e *Effect, spec map[string]any, r *Rule) {
	const at = "spec.effect"
	*e = Effect{
		Status: int(number(spec, "status", 0)), Title: text(spec, "title"), Message: text(spec, "message"), Error: text(spec, "error"),
		Latency: p.duration(spec, at, "latency", maxLatency), Jitter: p.duration(spec, at, "jitter", maxLatency),
		Drop: Drop(text(spec, "drop")), Malformed: flag(spec, "malformed"), Issuer: text(spec, "issuer"),
		Rotate: Rotation(text(spec, "rotate_keys")), RevokeRefresh: flag(spec, "revoke_refresh_token"),
	}
	if spec["retry_after"] != nil {
		seconds := int(number(spec, "retry_after", 0))
		e.RetryAfter = &seconds
	}
	if spec["truncate"] != nil {
		count := int(number(spec, "truncate", 0))
		e.Truncate = &count
	}
	if drip := part(spec, "drip"); drip != nil {
		e.DripBytes, e.DripEvery = int(number(drip, "bytes", 1)), p.duration(drip, at+".drip", "every", maxEvery)
	}
	if change := part(spec, "groups"); change != nil {
		e.GroupsOf, e.Groups = text(change, "person"), []string{}
		list, _ := change["groups"].([]any)
		for _, item := range list {
			if name, ok := item.(string); ok {
				e.Groups = append(e.Groups, name)
			}
		}
	}
	surface := r.Match.Surface
	for _, one := range []struct {
		field, expected string
		wrong           bool
	}{
		{"", "at least one effect, such as status: 503", e.String() == ""},
		{".title", "a title with status alone", e.Title != "" && e.Status == 0},
		{".message", "a message with status alone", e.Message != "" && e.Status == 0},
		{".error", "an error code with status alone", e.Error != "" && e.Status == 0},
		{".retry_after", "retry_after with status alone, such as 429", e.RetryAfter != nil && e.Status == 0},
		{".title", "no title: the identity provider's errors have error and message", e.Title != "" && surface == IDP},
		{".error", "no error code: the Console's errors have title and message", e.Error != "" && surface == Console},
		{".jitter", "a jitter beside a latency, at most " + maxLatency.String() + " together", e.Jitter > 0 && e.Latency == 0 || e.Latency+e.Jitter > maxLatency},
		{".drop", "drop: before_headers without status, malformed, truncate, drip and issuer", e.Drop == DropBefore && (e.Status != 0 || e.spoils())},
		{".drop", "drop without malformed, truncate and drip: no body is sent", e.Drop == DropAfter && (e.Malformed || e.Truncate != nil || e.DripBytes > 0)},
		{".issuer", "an issuer with match.operation discovery", e.Issuer != "" && r.Match.Operation != "discovery"},
		{".issuer", "an issuer without status", e.Issuer != "" && e.Status != 0},
		{".revoke_refresh_token", "revoke_refresh_token with match.surface idp", e.RevokeRefresh && surface != IDP},
	} {
		if one.wrong {
			p.report(at+one.field, one.expected, "")
		}
	}
}

// spoils tells whether the answer is changed after it was made.
func (e *Effect) spoils() bool {
	return e.Malformed || e.Truncate != nil || e.DripBytes > 0 || e.Issuer != ""
}

// Holds tells whether the answer must be kept back until it is whole.
func (e *Effect) Holds() bool { return e.spoils() || e.Drop == DropAfter }

// Wait is how long the nth request that goes wrong is kept waiting.
func (e *Effect) Wait(seed uint64, n int) time.Duration {
	return e.Latency + time.Duration(draw(seed+1, n)*float64(e.Jitter))
}

// String says in a few words what happens; "" if nothing does.
func (e *Effect) String() string {
	var list []string
	add := func(on bool, format string, args ...any) {
		if on {
			list = append(list, fmt.Sprintf(format, args...))
		}
	}
	add(e.Groups != nil, "groups changed")
	add(e.Rotate != "", "keys rotated (%s)", e.Rotate)
	add(e.RevokeRefresh, "grant revoked")
	add(e.Latency > 0, "latency %s", e.Latency)
	add(e.Jitter > 0, "jitter %s", e.Jitter)
	add(e.Drop != "", "connection dropped (%s)", e.Drop)
	add(e.Status != 0, "status %d", e.Status)
	add(e.Issuer != "", "wrong issuer in discovery")
	add(e.Malformed, "malformed body")
	add(e.Truncate != nil, "truncated body")
	add(e.DripBytes > 0, "slow drip")
	return strings.Join(list, ", ")
}

// Spoil changes a whole body as the effect says. It may alter the header.
func (e *Effect) Spoil(header http.Header, body []byte) []byte {
	if e.Issuer != "" {
		header.Del("Etag")
		body = withIssuer(body, e.Issuer)
	}
	if e.Malformed {
		header.Del("Etag")
		body = body[:len(body)/2]
	}
	return body
}

// withIssuer replaces the issuer of a discovery document; another body stays.
func withIssuer(body []byte, issuer string) []byte {
	var document map[string]json.RawMessage
	if json.Unmarshal(body, &document) != nil || document["issuer"] == nil {
		return body
	}
	encoded, err := json.Marshal(issuer)
	if err != nil {
		return body
	}
	document["issuer"] = encoded
	changed, err := json.Marshal(document)
	if err != nil {
		return body
	}
	return bytes.TrimSpace(changed)
}
