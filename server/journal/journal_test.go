package journal_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/mockduktor/mockduktor/server/journal"
)

func paths(entries []*journal.Entry) string {
	var list []string
	for _, entry := range entries {
		list = append(list, entry.View().Path)
	}
	return strings.Join(list, " ")
}

func TestRing(t *testing.T) {
	j := journal.New(3, journal.Options{})
	for _, path := range []string{"/1", "/2", "/3", "/4", "/5"} {
		j.Add(journal.Facts{Path: path, Status: 200})
	}
	if got := paths(j.Entries(0)); got != "/3 /4 /5" || j.Last() != 5 {
		t.Errorf("kept %s of %d", got, j.Last())
	}
	for seq, want := range map[uint64]bool{0: false, 2: false, 3: true, 5: true, 6: false} {
		if _, kept := j.Entry(seq); kept != want {
			t.Errorf("entry %d is kept: %v", seq, kept)
		}
	}
	if _, gone, err := j.Next(t.Context(), 1); gone != 1 || err != nil {
		t.Errorf("gone %d, %v", gone, err)
	}
	j.Clear()
	j.Add(journal.Facts{Path: "/6"})
	if got := paths(j.Entries(0)); got != "/6" || j.Last() != 6 {
		t.Errorf("after clearing: %s of %d", got, j.Last())
	}
	j.Close()
	j.Add(journal.Facts{Path: "/7"})
	if _, _, err := j.Next(t.Context(), 6); !errors.Is(err, journal.ErrClosed) || j.Last() != 6 {
		t.Errorf("closed: %v, %d", err, j.Last())
	}
	off := journal.New(0, journal.Options{})
	off.Add(journal.Facts{Path: "/1"})
	if len(off.Entries(0)) != 0 || off.On() {
		t.Error("a journal of no size keeps entries")
	}
}

func TestSubscribersAreBounded(t *testing.T) {
	j := journal.New(1, journal.Options{})
	var leave func()
	const most = 3
	for range most {
		var ok bool
		if leave, ok = j.Subscribe(most); !ok {
			t.Fatal("refused too early")
		}
	}
	if _, ok := j.Subscribe(most); ok {
		t.Error("one more is let in")
	}
	leave()
	if _, ok := j.Subscribe(most); !ok {
		t.Error("the free place is not given")
	}
}

// Readers see every entry once and in order while writers go on.
func TestConcurrently(t *testing.T) {
	j := journal.New(10_000, journal.Options{})
	const writers, each, readers = 4, 200, 8
	var done sync.WaitGroup
	for range readers {
		done.Go(func() {
			seq := uint64(0)
			for seq < writers*each {
				entries, gone, err := j.Next(t.Context(), seq)
				if err != nil || gone > 0 {
					t.Errorf("gone %d, %v", gone, err)
					return
				}
				for _, entry := range entries {
					if seq++; entry.Seq() != seq || entry.View().Seq != seq {
						t.Errorf("seq %d, expected %d", entry.Seq(), seq)
						return
					}
				}
			}
		})
	}
	for range writers {
		done.Go(func() {
			for range each {
				j.Add(journal.Facts{Path: "/", Status: 200, Header: http.Header{"Accept": {"*/*"}}})
			}
		})
	}
	done.Wait()
	if _, err := j.Wait(canceled(t), writers*each, journal.Filter{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestFilterAndNearest(t *testing.T) {
	j := journal.New(10, journal.Options{})
	j.Add(journal.Facts{Surface: journal.Console, Method: "GET", Path: "/api/a", Status: 200, Person: "ada"})
	j.Add(journal.Facts{Surface: journal.Console, Method: "POST", Path: "/a", Status: 403, Person: "ben", Fault: "f"})
	for query, want := range map[string]string{
		"": "/api/a /a", "path=/a": "/api/a /a", "method=post": "/a", "status=4xx": "/a", "status=200": "/api/a", "person=ADA": "/api/a",
		"outcome=refused": "/a", "fault=*": "/a", "fault=f": "/a", "fault=g": "", "surface=idp": "",
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		filter, err := journal.ParseFilter(values)
		if err != nil {
			t.Fatal(err)
		}
		var got []*journal.Entry
		for _, entry := range j.Entries(0) {
			if filter.Matches(entry) {
				got = append(got, entry)
			}
		}
		if paths(got) != want {
			t.Errorf("%q lets through %q, expected %q", query, paths(got), want)
		}
	}
	near := j.Nearest(0, journal.Filter{Method: "GET", People: []string{"ben"}, Status: "403"}, 5)
	if len(near) != 2 || near[0].View.Seq != 2 || strings.Join(near[0].Why, "; ") != "method is POST, wanted GET" || len(near[1].Why) != 2 {
		t.Errorf("%+v", near)
	}
}

// What may hold a secret is not shown, whatever it is called.
func TestRedaction(t *testing.T) {
	known := func(_ journal.Surface, _, _, name string) bool { return name == "filter" || name == "access_token" }
	j := journal.New(10, journal.Options{HasParameter: known, APIKeyClaim: "key-of-mine"})
	const token = "eyJhbGciOiJub25lIn0.eyJrZXktb2YtbWluZSI6InMzY3JldCIsInN1YiI6ImFkYSJ9.c2lnbmF0dXJl"
	j.Add(journal.Facts{Surface: journal.Console, Path: "/x/" + token, Query: "filter=a&filter=" + token + "&x=s3cret&access_token=s3cret&s3cret&%zz=s3cret",
		Reason: "the token " + token + " is bad",
		Header: http.Header{"Authorization": {"Bearer " + token}, "Cookie": {"a=s3cret"}, "X-Key": {"s3cret"}, "Referer": {"http://u:s3cret@h/p?code=s3cret#s3cret"}, "Accept": {"*/*"}},
		Answer: http.Header{"Location": {"http://h/cb?code=s3cret"}, "Set-Cookie": {"a=s3cret"}}})
	j.Add(journal.Facts{Surface: journal.IDP, Query: "client_id=app&redirect_uri=" + url.QueryEscape("http://h/cb?token=s3cret") + "&state=s3cret&anything=s3cret"})
	j.Add(journal.Facts{Header: http.Header{"Authorization": {"s3cret"}}})
	j.Add(journal.Facts{Header: http.Header{"Authorization": {"Basic YTpzM2NyZXQ="}}})
	j.Add(journal.Facts{Header: http.Header{"Authorization": {"Bearer " + strings.Repeat("s3cret", 10_000)}}})
	for _, entry := range j.Entries(0) {
		text := string(entry.JSON())
		for _, secret := range []string{"s3cret", "c2lnbmF0dXJl", "YTpzM2NyZXQ", "eyJ"} {
			if strings.Contains(text, secret) {
				t.Errorf("entry %d shows %s: %s", entry.Seq(), secret, text)
			}
		}
	}
	view := j.Entries(0)[0].View()
	if view.Token.Claims["sub"] != "ada" || view.RequestHeaders["Accept"] != "*/*" || !strings.HasPrefix(view.Query, "filter=a&filter=[redacted]&") {
		t.Errorf("what is harmless is not shown: %+v", view)
	}
	if query := j.Entries(1)[0].View().Query; !strings.Contains(query, "client_id=app&redirect_uri=http%3A%2F%2Fh%2Fcb") {
		t.Errorf("%s", query)
	}
}

// BenchmarkAdd is what recording costs a request; reading is paid by readers.
func BenchmarkAdd(b *testing.B) {
	j := journal.New(journal.DefaultSize, journal.Options{})
	facts := journal.Facts{Method: "GET", Path: "/a", Status: 200, Header: http.Header{"Accept": {"*/*"}, "Authorization": {"Bearer x"}}, Answer: http.Header{"Content-Type": {"application/json"}}}
	b.ReportAllocs()
	for b.Loop() {
		one := facts
		one.Trim()
		j.Add(one)
	}
}
