package journal

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// HAR writes entries as an HTTP Archive 1.2, which browsers' developer tools
// open. What the format has no place for is in fields that begin with an
// underscore, as the format allows. base is the site's address.
func HAR(entries []*Entry, base, version string) ([]byte, error) {
	archive := harFile{}
	archive.Log.Version = "1.2"
	archive.Log.Creator = harCreator{Name: "mockduktor", Version: version}
	archive.Log.Entries = make([]harEntry, 0, len(entries))
	for _, entry := range entries {
		archive.Log.Entries = append(archive.Log.Entries, entry.View().har(base))
	}
	return json.Marshal(archive)
}

type harFile struct {
	Log struct {
		Version string     `json:"version"`
		Creator harCreator `json:"creator"`
		Entries []harEntry `json:"entries"`
	} `json:"log"`
}

type harCreator struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type harEntry struct {
	Started  time.Time   `json:"startedDateTime"`
	Time     float64     `json:"time"` // milliseconds
	Request  harRequest  `json:"request"`
	Response harResponse `json:"response"`
	Cache    struct{}    `json:"cache"`
	Timings  harTimings  `json:"timings"`
	Comment  string      `json:"comment,omitempty"`
	Entry    *View       `json:"_mockduktor"`
}

type harPair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type harRequest struct {
	Method      string    `json:"method"`
	URL         string    `json:"url"`
	HTTPVersion string    `json:"httpVersion"`
	Cookies     []harPair `json:"cookies"`
	Headers     []harPair `json:"headers"`
	QueryString []harPair `json:"queryString"`
	HeadersSize int       `json:"headersSize"` // -1: not known
	BodySize    int64     `json:"bodySize"`
}

type harResponse struct {
	Status      int        `json:"status"`
	StatusText  string     `json:"statusText"`
	HTTPVersion string     `json:"httpVersion"`
	Cookies     []harPair  `json:"cookies"`
	Headers     []harPair  `json:"headers"`
	Content     harContent `json:"content"`
	RedirectURL string     `json:"redirectURL"`
	HeadersSize int        `json:"headersSize"`
	BodySize    int64      `json:"bodySize"`
}

type harContent struct {
	Size     int64  `json:"size"`
	MimeType string `json:"mimeType"`
}

type harTimings struct {
	Send    float64 `json:"send"`
	Wait    float64 `json:"wait"`
	Receive float64 `json:"receive"`
}

func (v *View) har(base string) harEntry {
	address := base + v.Path
	if v.Query != "" {
		address += "?" + v.Query
	}
	return harEntry{
		Started: v.Time, Time: v.DurationMS, Timings: harTimings{Wait: v.DurationMS}, Comment: v.Decision.Reason, Entry: v,
		Request: harRequest{
			Method: v.Method, URL: address, HTTPVersion: v.proto, Cookies: []harPair{}, Headers: pairs(v.RequestHeaders),
			QueryString: queryPairs(v.Query), HeadersSize: -1, BodySize: v.RequestBytes,
		},
		Response: harResponse{
			Status: v.Status, StatusText: http.StatusText(v.Status), HTTPVersion: v.proto, Cookies: []harPair{},
			Headers: pairs(v.ResponseHeaders), RedirectURL: v.ResponseHeaders["Location"], HeadersSize: -1, BodySize: v.ResponseBytes,
			Content: harContent{Size: v.ResponseBytes, MimeType: v.ResponseHeaders["Content-Type"]},
		},
	}
}

func pairs(shown map[string]string) []harPair {
	list := make([]harPair, 0, len(shown))
	for _, name := range slices.Sorted(maps.Keys(shown)) {
		list = append(list, harPair{name, shown[name]})
	}
	return list
}

func queryPairs(query string) []harPair {
	list := []harPair{}
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		list = append(list, harPair{unescaped(name), unescaped(value)})
	}
	return list
}

func unescaped(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}
