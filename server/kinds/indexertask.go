package kinds

import (
	"time"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/store"
)

// IndexerTaskKind is the kind of runs of the Console's indexer.
const IndexerTaskKind = "IndexerTask"

// IndexerTask is the last run of a task of the indexer.
type IndexerTask struct {
	Name     string
	StartAt  time.Time
	Duration string // in Go's notation
	Results  []IndexerResult
}

// IndexerResult is how a run went for one cluster.
type IndexerResult struct {
	Cluster  string
	StartAt  time.Time
	Duration string
	Status   string
	Error    string
}

func indexerTaskRule() *Rule {
	return &Rule{
		Parse: func(object map[string]any) (any, []openapi.Problem) {
			task := &IndexerTask{Name: text(part(object, "metadata"), "name"), Duration: text(part(object, "spec"), "duration")}
			for _, item := range resultsOf(object) {
				task.Results = append(task.Results, IndexerResult{Cluster: text(item, "cluster"),
					Duration: text(item, "duration"), Status: text(item, "status"), Error: text(item, "error")})
			}
			return task, nil
		},
		Settle: func(tx *store.Tx, object map[string]any, value any) []openapi.Problem {
			task := value.(*IndexerTask)
			var problems []openapi.Problem
			if task.StartAt, problems = momentOf(tx, part(object, "spec"), "spec", "startedAgo", "startAt"); len(problems) > 0 {
				return problems
			}
			for i, item := range resultsOf(object) {
				result := &task.Results[i]
				result.StartAt = task.StartAt
				if item["startedAgo"] == nil && item["startAt"] == nil {
					continue
				}
				if result.StartAt, problems = momentOf(tx, item, index("spec.results", i), "startedAgo", "startAt"); len(problems) > 0 {
					return problems
				}
			}
			return nil
		},
	}
}

func resultsOf(object map[string]any) []map[string]any {
	list, _ := part(object, "spec")["results"].([]any)
	results := make([]map[string]any, len(list))
	for i, item := range list {
		results[i], _ = item.(map[string]any)
	}
	return results
}
