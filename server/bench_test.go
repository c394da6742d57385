package server_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/seed"
	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/control"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

// serveOnce sends a request through the whole handler, without a socket.
func serveOnce(b *testing.B, handler http.Handler, method, path, token, body string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer "+token)
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	if recorder.Code != http.StatusOK {
		b.Fatalf("%s %s: %d %s", method, path, recorder.Code, recorder.Body)
	}
	return recorder
}

func BenchmarkTokenKnown(b *testing.B) {
	running := start(b, server.Config{})
	token := tokenOf(b, running, "ben")
	b.ReportAllocs()
	for b.Loop() {
		serveOnce(b, running.Handler(), http.MethodGet, "/token/v1/whoami", token, "")
	}
}

// BenchmarkTokenNew shows a token for the first time at each call.
func BenchmarkTokenNew(b *testing.B) {
	running := start(b, server.Config{})
	pair := running.Pair()
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		tokens, err := control.Mint(b.Context(), pair.World, pair.Provider, "ben", idp.MintRequest{ClientID: "backstage"})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		serveOnce(b, running.Handler(), http.MethodGet, "/token/v1/whoami", tokens.AccessToken, "")
	}
}

// BenchmarkTokenRefused shows a token of a wrong issuer.
func BenchmarkTokenRefused(b *testing.B) {
	running, other := start(b, server.Config{}), start(b, server.Config{})
	token := tokenOf(b, other, "ben")
	b.ReportAllocs()
	for b.Loop() {
		request := httptest.NewRequest(http.MethodGet, "/token/v1/whoami", nil)
		request.Header.Set("Authorization", "Bearer "+token)
		recorder := httptest.NewRecorder()
		running.Handler().ServeHTTP(recorder, request)
		if recorder.Code != http.StatusUnauthorized {
			b.Fatal(recorder.Code)
		}
	}
}

// BenchmarkTopics lists the default estate's topics of one cluster.
func BenchmarkTopics(b *testing.B) {
	running := start(b, server.Config{})
	for _, login := range []string{"admin", "ben"} {
		token := tokenOf(b, running, login)
		b.Run("kind/"+login, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				serveOnce(b, running.Handler(), http.MethodGet, "/public/kafka/v2/cluster/production/topic", token, "")
			}
		})
		b.Run("v1/"+login, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				serveOnce(b, running.Handler(), http.MethodPost, "/public/v1/clusters/production/topics", token,
					`{"page":1,"itemsPerPage":20,"sort":"ByMessageCount","descSort":true}`)
			}
		})
	}
}

// granted is how many topics ben sees in the cluster of manyTopics.
const granted = 1_000

// manyTopics fills a cluster with topics, of which ben sees a thousand.
func manyTopics(b *testing.B, count int) *server.Server {
	b.Helper()
	documents, err := seed.Default()
	if err != nil {
		b.Fatal(err)
	}
	running := start(b, server.Config{Documents: documents})
	pair := running.Pair()
	object := func(i int) map[string]any {
		area := i % 100
		if i < granted {
			area = 100
		}
		return map[string]any{"apiVersion": "v2", "kind": "Topic",
			"metadata": map[string]any{"cluster": "staging-many", "name": fmt.Sprintf("area%03d.topic.%06d", area, i)},
			"spec":     map[string]any{"partitions": 3, "replicationFactor": 3}}
	}
	extra := []map[string]any{
		{"apiVersion": "v2", "kind": "KafkaCluster", "metadata": map[string]any{"name": "staging-many"},
			"spec": map[string]any{"displayName": "Many", "bootstrapServers": "many:9092"}},
		{"apiVersion": "v2", "kind": "Group", "metadata": map[string]any{"name": "many"},
			"spec": map[string]any{"displayName": "Many", "members": []any{"ben@shop.example"},
				"permissions": []any{map[string]any{"resourceType": "TOPIC", "cluster": "staging-many",
					"patternType": "PREFIXED", "name": "area100.", "permissions": []any{"topicViewConfig"}}}}},
	}
	err = pair.World.Update(func(tx *store.Tx) error {
		for i := range count + len(extra) {
			resource := object(i - len(extra))
			if i < len(extra) {
				resource = extra[i]
			}
			kind, err := pair.Engine.Kind(resource["apiVersion"].(string), resource["kind"].(string))
			if err != nil {
				return err
			}
			if _, _, err := pair.Engine.Apply(tx, kinds.Request{Kind: kind, Object: resource}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return running
}

// BenchmarkTopicsOutOfMany lists a thousand granted topics out of ever more:
// the cost must follow what is returned, not what there is.
func BenchmarkTopicsOutOfMany(b *testing.B) {
	for _, count := range []int{granted, 10_000, 100_000} {
		running := manyTopics(b, count)
		token := tokenOf(b, running, "ben")
		b.Run(fmt.Sprintf("kind/%d", count), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				serveOnce(b, running.Handler(), http.MethodGet, "/public/kafka/v2/cluster/staging-many/topic", token, "")
			}
		})
		b.Run(fmt.Sprintf("v1-page-of-50/%d", count), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				recorder := serveOnce(b, running.Handler(), http.MethodPost, "/public/v1/clusters/staging-many/topics", token,
					`{"page":1,"itemsPerPage":50,"sort":"ByName"}`)
				if !bytes.Contains(recorder.Body.Bytes(), []byte("area100.topic")) {
					b.Fatal("the topics are not there")
				}
			}
		})
	}
}
