package console

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

const (
	loggersPath = "/public/debug/v1/loggers"
	modesPath   = "/public/debug/v1/loggers-mode/"

	recordLogger  = "console.logger"       // level of a logger that somebody set; ID: its name, value: string
	recordLogMode = "console.logging-mode" // a mode that somebody switched; ID: its name, value: bool
)

func (r *router) debug() {
	r.secured(http.MethodGet, loggersPath, listLoggers)
	r.secured(http.MethodPut, loggersPath, setLoggers)
	r.secured(http.MethodGet, loggersPath+"/{loggerName}", getLogger)
	r.secured(http.MethodDelete, loggersPath+"/{loggerName}", resetLogger)
	r.secured(http.MethodPut, loggersPath+"/{loggerName}/{level}", setLogger)
	for _, mode := range []string{"debug", "tracing"} {
		r.secured(http.MethodGet, modesPath+mode, func(c *call) error { return c.loggingMode(mode) })
		r.secured(http.MethodPut, modesPath+mode+"/{enabled}", func(c *call) error { return c.setLoggingMode(mode) })
	}
	r.secured(http.MethodGet, "/public/debug/v1/indexer", listIndexerTasks)
}

// rootLogger is above all others.
const rootLogger = "ROOT"

// loggers are those that every Console has, with the levels that they have by
// themselves (the examples of the published document name them).
var loggers = map[string]string{
	rootLogger:                   "INFO",
	"io.conduktor":               "INFO",
	"io.conduktor.admin":         "INFO",
	"io.conduktor.authenticator": "INFO",
	"org.apache.kafka":           "WARN",
}

// logLevels are those of Log4j 2.
var logLevels = []string{"OFF", "FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE", "ALL"}

type loggerShown struct {
	Name  string `json:"name"`
	Level string `json:"level"`
}

// levels are the levels of all loggers as they are now.
func levels(tx *store.Tx) map[string]string {
	all := maps.Clone(loggers)
	for record := range tx.Records(recordLogger) {
		all[record.ID] = record.Value.(string)
	}
	return all
}

// below says whether a logger is the one named or beneath it.
func below(logger, name string) bool {
	return name == rootLogger || logger == name || strings.HasPrefix(logger, name+".")
}

func shownLoggers(all map[string]string, name string) []loggerShown {
	list := []loggerShown{}
	for _, logger := range slices.Sorted(maps.Keys(all)) {
		if below(logger, name) {
			list = append(list, loggerShown{logger, all[logger]})
		}
	}
	return list
}

func listLoggers(c *call) error {
	tx := c.World.View()
	if err := c.permit(tx, kinds.Need{}); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, shownLoggers(levels(tx), rootLogger))
}

func getLogger(c *call) error {
	tx := c.World.View()
	if err := c.permit(tx, kinds.Need{}); err != nil {
		return err
	}
	name, err := c.loggerParam()
	if err != nil {
		return err
	}
	list := shownLoggers(levels(tx), name)
	if len(list) == 0 {
		return noLogger(name, "not found")
	}
	return c.JSON(http.StatusOK, list)
}

func noLogger(name, why string) error {
	return &kinds.Error{Code: kinds.NotFound, Title: "The searched entity was not found", Message: "Logger " + name + " " + why}
}

func (c *call) loggerParam() (string, error) {
	name, err := c.param("loggerName")
	if err != nil {
		return "", err
	}
	return loggerName(name, "loggerName")
}

func loggerName(name, field string) (string, error) {
	if problem := store.ValidName(name); problem != "" {
		return "", &kinds.Error{Code: kinds.Invalid, Field: field, Message: "Invalid value for: " + field + " (" + problem + ")"}
	}
	if strings.EqualFold(name, rootLogger) {
		name = rootLogger
	}
	return name, nil
}

func logLevel(level, field string) (string, error) {
	known := strings.ToUpper(level)
	if !slices.Contains(logLevels, known) {
		return "", &kinds.Error{Code: kinds.Invalid, Field: field,
			Message: fmt.Sprintf("Invalid value for: %s (expected one of %s, got %q)", field, strings.Join(logLevels, ", "), level)}
	}
	return known, nil
}

// setLogger sets the level of a logger, which there need not be yet, and of
// those below it.
func setLogger(c *call) error {
	var changed []string
	err := c.World.Update(func(tx *store.Tx) error {
		if err := c.permit(tx, kinds.Need{}); err != nil {
			return err
		}
		name, err := c.loggerParam()
		if err != nil {
			return err
		}
		given, err := c.param("level")
		if err != nil {
			return err
		}
		level, err := logLevel(given, "level")
		if err != nil {
			return err
		}
		changed, err = putLevel(tx, name, level)
		return err
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, changed)
}

func putLevel(tx *store.Tx, name, level string) ([]string, error) {
	all := levels(tx)
	all[name] = level
	var changed []string
	for _, logger := range slices.Sorted(maps.Keys(all)) {
		if !below(logger, name) {
			continue
		}
		if err := tx.PutRecord(store.Record{Kind: recordLogger, ID: logger, Value: level}); err != nil {
			return nil, err
		}
		changed = append(changed, logger)
	}
	return changed, nil
}

// setLoggers sets several one after the other; a fault in one changes none.
func setLoggers(c *call) error {
	list, err := c.inputList()
	if err != nil {
		return err
	}
	changed := map[string]bool{}
	err = c.World.Update(func(tx *store.Tx) error {
		if err := c.permit(tx, kinds.Need{}); err != nil {
			return err
		}
		for i, item := range list {
			fields := object(item)
			name, err := loggerName(text(fields["name"]), fmt.Sprintf("[%d].name", i))
			if err != nil {
				return err
			}
			level, err := logLevel(text(fields["level"]), fmt.Sprintf("[%d].level", i))
			if err != nil {
				return err
			}
			names, err := putLevel(tx, name, level)
			if err != nil {
				return err
			}
			for _, logger := range names {
				changed[logger] = true
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	names := slices.AppendSeq([]string{}, maps.Keys(changed))
	slices.Sort(names)
	return c.JSON(http.StatusOK, names)
}

// resetLogger forgets the level that somebody set; a logger that no Console has
// by itself goes with it.
func resetLogger(c *call) error {
	err := c.World.Update(func(tx *store.Tx) error {
		if err := c.permit(tx, kinds.Need{}); err != nil {
			return err
		}
		name, err := c.loggerParam()
		if err != nil {
			return err
		}
		if _, err := tx.Record(recordLogger, name); err != nil {
			return noLogger(name, "has no level that was set")
		}
		return tx.DeleteRecord(recordLogger, name)
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusOK)
}

func (c *call) loggingMode(mode string) error {
	tx := c.World.View()
	if err := c.permit(tx, kinds.Need{}); err != nil {
		return err
	}
	record, err := tx.Record(recordLogMode, mode)
	return c.JSON(http.StatusOK, err == nil && record.Value.(bool))
}

func (c *call) setLoggingMode(mode string) error {
	err := c.World.Update(func(tx *store.Tx) error {
		if err := c.permit(tx, kinds.Need{}); err != nil {
			return err
		}
		enabled, err := c.param("enabled")
		if err != nil {
			return err
		}
		if enabled != "true" && enabled != "false" {
			return &kinds.Error{Code: kinds.Invalid, Field: "enabled",
				Message: fmt.Sprintf("Invalid value for: path parameter enabled (expected true or false, got %q)", enabled)}
		}
		return tx.PutRecord(store.Record{Kind: recordLogMode, ID: mode, Value: enabled == "true"})
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusOK)
}

type indexerRun struct {
	TaskID   string              `json:"taskId"`
	StartAt  time.Time           `json:"startAt"`
	Duration string              `json:"duration"`
	Results  []indexerClusterRun `json:"results"`
}

type indexerClusterRun struct {
	ClusterID string    `json:"clusterId"`
	StartAt   time.Time `json:"startAt"`
	Duration  string    `json:"duration"`
	Status    string    `json:"status"`
	Error     string    `json:"error,omitempty"`
}

// listIndexerTasks answers the runs that the seed has: nothing is indexed here.
func listIndexerTasks(c *call) error {
	tx := c.World.View()
	if err := c.permit(tx, kinds.Need{}); err != nil {
		return err
	}
	runs := []indexerRun{}
	for resource := range tx.Resources(kinds.IndexerTaskKind, "v1", nil, "") {
		task := resource.Value.(*kinds.IndexerTask)
		run := indexerRun{TaskID: task.Name, StartAt: task.StartAt, Duration: task.Duration, Results: []indexerClusterRun{}}
		for _, result := range task.Results {
			run.Results = append(run.Results, indexerClusterRun{ClusterID: result.Cluster, StartAt: result.StartAt,
				Duration: result.Duration, Status: result.Status, Error: result.Error})
		}
		runs = append(runs, run)
	}
	return c.JSON(http.StatusOK, runs)
}
