// Package console is a small client of the Conduktor Console API, as a company
// may have one. Its tests show how to try it without a Console: copy them.
package console

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Client calls a Console. HTTP brings the caller's token with it.
type Client struct {
	BaseURL string // with /api, without a slash at its end
	HTTP    *http.Client
}

// Error is what the Console answers instead of a success.
type Error struct {
	Status     int
	Title      string `json:"title"`
	Message    string `json:"msg"`
	RetryAfter string // the header, "" where there is none
}

func (e *Error) Error() string {
	return fmt.Sprintf("console: %d %s: %s", e.Status, e.Title, e.Message)
}

// Topic is a topic as far as this client reads it.
type Topic struct {
	Metadata struct{ Name, Cluster string }
	Spec     struct{ Partitions int }
}

// Topics lists the topics of a cluster that the caller may see.
func (c *Client) Topics(ctx context.Context, cluster string) ([]Topic, error) {
	var topics []Topic
	err := c.do(ctx, http.MethodGet, "/public/kafka/v2/cluster/"+url.PathEscape(cluster)+"/topic", nil, &topics)
	return topics, err
}

// CreateTopic creates a topic.
func (c *Client) CreateTopic(ctx context.Context, cluster, name string, partitions int) error {
	return c.do(ctx, http.MethodPut, "/public/kafka/v2/cluster/"+url.PathEscape(cluster)+"/topic", map[string]any{
		"apiVersion": "v2", "kind": "Topic", "metadata": map[string]any{"name": name, "cluster": cluster},
		"spec": map[string]any{"partitions": partitions, "replicationFactor": 1},
	}, nil)
}

func (c *Client) do(ctx context.Context, method, path string, body, into any) error {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.BaseURL+path, content)
	if err != nil {
		return err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.HTTP.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusBadRequest {
		failure := &Error{Status: response.StatusCode, RetryAfter: response.Header.Get("Retry-After")}
		if err := json.NewDecoder(response.Body).Decode(failure); err != nil {
			failure.Message = "the answer is no JSON: " + err.Error()
		}
		return failure
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(into)
}
