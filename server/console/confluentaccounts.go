package console

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

const (
	confluentPath     = "/public/v1/clusters/{clusterName}/service-accounts-confluent"
	confluentKeysPath = confluentPath + "/{confluentResourceId}/api-keys"
)

func (r *router) confluentAccounts() {
	r.secured(http.MethodGet, confluentPath, listConfluentAccounts)
	r.secured(http.MethodPost, confluentPath, createConfluentAccount)
	r.secured(http.MethodGet, confluentKeysPath, listConfluentKeys)
	r.secured(http.MethodPost, confluentKeysPath, createConfluentKey)
	r.secured(http.MethodDelete, confluentKeysPath+"/{confluentApiKeyId}", deleteConfluentKey)
}

// confluentAccount is a service account in Confluent Cloud.
type confluentAccount struct {
	ResourceID  string `json:"resourceId"`
	InternalID  int32  `json:"internalId"`
	ServiceName string `json:"serviceName"`
	Description string `json:"description"`
}

func shownConfluentAccount(resource *store.Resource) confluentAccount {
	account := resource.Value.(*kinds.ConfluentServiceAccount)
	return confluentAccount{account.ResourceID, account.InternalID, account.ServiceName, account.Description}
}

// confluentKey is an API key; its secret is shown by the answer to its creation
// alone.
type confluentKey struct {
	Key         string    `json:"key"`
	Description string    `json:"description"`
	CreatedAt   time.Time `json:"createdAt"`
	Secret      string    `json:"secret"`
}

// confluentCluster is aclCluster for clusters that are Confluent Cloud.
func (c *call) confluentCluster(tx *store.Tx, name string) (*store.Resource, error) {
	cluster, err := c.aclCluster(tx, name)
	if err != nil {
		return nil, err
	}
	return cluster, flavored(cluster, kinds.FlavorConfluent, "This cluster is not a Confluent cluster.")
}

func (c *call) confluentKind() (*openapi.Kind, error) {
	return c.Engine.Kind("mockduktor/v1", kinds.ConfluentServiceAccountKind)
}

// confluentAccountOf returns the account in the path, or its 404.
func (c *call) confluentAccountOf(tx *store.Tx, cluster string) (*store.Resource, error) {
	id, err := c.param("confluentResourceId")
	if err != nil {
		return nil, err
	}
	resource, err := tx.Resource(kinds.ConfluentServiceAccountKind, "v1", []string{cluster}, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, &kinds.Error{Code: kinds.NotFound, Title: "No service account with this id exists",
			Message: fmt.Sprintf("Service account %s not found on cluster %s", id, cluster)}
	}
	return resource, err
}

func listConfluentAccounts(c *call) error {
	tx := c.World.View()
	cluster, err := c.confluentCluster(tx, aclRead)
	if err != nil {
		return err
	}
	list := []confluentAccount{}
	for resource := range tx.Resources(kinds.ConfluentServiceAccountKind, "v1", []string{cluster.Name}, "") {
		list = append(list, shownConfluentAccount(resource))
	}
	return c.JSON(http.StatusOK, list)
}

func createConfluentAccount(c *call) error {
	if _, err := c.confluentCluster(c.World.View(), aclCreate); err != nil {
		return err
	}
	sent, err := c.input()
	if err != nil {
		return err
	}
	name := strings.TrimSpace(text(sent["name"]))
	if name == "" {
		return badField("name", errors.New("expected a name for the service account"))
	}
	var created confluentAccount
	err = c.World.Update(func(tx *store.Tx) error {
		cluster, err := c.confluentCluster(tx, aclCreate)
		if err != nil {
			return err
		}
		kind, err := c.confluentKind()
		if err != nil {
			return err
		}
		id, err := freshID(tx, "sa-", lowerLetters, 6, func(id string) bool {
			_, err := tx.Resource(kind.Name, kind.Version, []string{cluster.Name}, id)
			return errors.Is(err, store.ErrNotFound)
		})
		if err != nil {
			return err
		}
		object := newObject(kind, id, cluster.Name)
		object["spec"] = map[string]any{"serviceName": name, "description": text(sent["description"])}
		resource, _, err := c.Engine.Apply(tx, kinds.Request{Kind: kind, Object: object, By: c.by()})
		if err != nil {
			return err
		}
		created = shownConfluentAccount(resource)
		return nil
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, created)
}

// The letters of generated ids.
const (
	lowerLetters = "abcdefghijklmnopqrstuvwxyz0123456789"
	upperLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
)

// freshID makes ids out of the world's sequence until one is free, so that two
// runs of the same calls make the same ids.
func freshID(tx *store.Tx, prefix, letters string, length int, free func(id string) bool) (string, error) {
	for {
		number, err := tx.NextID()
		if err != nil {
			return "", err
		}
		sum := sha256.Sum256(fmt.Appendf(nil, "%s%d", prefix, number))
		id := []byte(prefix)
		for _, b := range sum[:length] {
			id = append(id, letters[int(b)%len(letters)])
		}
		if free(string(id)) {
			return string(id), nil
		}
	}
}

func listConfluentKeys(c *call) error {
	tx := c.World.View()
	cluster, err := c.confluentCluster(tx, aclRead)
	if err != nil {
		return err
	}
	account, err := c.confluentAccountOf(tx, cluster.Name)
	if err != nil {
		return err
	}
	list := []confluentKey{}
	for _, key := range account.Value.(*kinds.ConfluentServiceAccount).Keys {
		at := key.CreatedAt
		if at.IsZero() {
			at = account.CreatedAt
		}
		list = append(list, confluentKey{Key: key.Key, Description: key.Description, CreatedAt: at})
	}
	return c.JSON(http.StatusOK, list)
}

// changeConfluentKeys changes the API keys of the account in the path.
func (c *call) changeConfluentKeys(name string, change func(tx *store.Tx, account *store.Resource, keys []any) ([]any, error)) error {
	return c.World.Update(func(tx *store.Tx) error {
		cluster, err := c.confluentCluster(tx, name)
		if err != nil {
			return err
		}
		account, err := c.confluentAccountOf(tx, cluster.Name)
		if err != nil {
			return err
		}
		kind, err := c.confluentKind()
		if err != nil {
			return err
		}
		object := account.Object()
		spec := object["spec"].(map[string]any)
		keys, _ := spec["apiKeys"].([]any)
		if spec["apiKeys"], err = change(tx, account, keys); err != nil {
			return err
		}
		_, _, err = c.Engine.Apply(tx, kinds.Request{Kind: kind, Object: object, By: c.by()})
		return err
	})
}

func createConfluentKey(c *call) error {
	if _, err := c.confluentCluster(c.World.View(), aclCreate); err != nil {
		return err
	}
	sent, err := c.input()
	if err != nil {
		return err
	}
	name := strings.TrimSpace(text(sent["name"]))
	if name == "" {
		return badField("name", errors.New("expected a name for the API key"))
	}
	secret := make([]byte, 48)
	if _, err := rand.Read(secret); err != nil {
		return fmt.Errorf("make a secret: %w", err)
	}
	created := confluentKey{Description: text(sent["description"]), Secret: base64.StdEncoding.EncodeToString(secret)}
	err = c.changeConfluentKeys(aclCreate, func(tx *store.Tx, account *store.Resource, keys []any) ([]any, error) {
		var err error
		created.CreatedAt = tx.Now()
		created.Key, err = freshID(tx, "", upperLetters, 16, func(id string) bool { return !hasConfluentKey(tx, account.Parents, id) })
		return append(keys, map[string]any{"key": created.Key, "name": name, "description": created.Description,
			"createdAt": created.CreatedAt.Format(time.RFC3339Nano)}), err
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, created)
}

func hasConfluentKey(tx *store.Tx, cluster []string, key string) bool {
	for resource := range tx.Resources(kinds.ConfluentServiceAccountKind, "v1", cluster, "") {
		for _, have := range resource.Value.(*kinds.ConfluentServiceAccount).Keys {
			if have.Key == key {
				return true
			}
		}
	}
	return false
}

func deleteConfluentKey(c *call) error {
	id, err := c.param("confluentApiKeyId")
	if err != nil {
		return err
	}
	err = c.changeConfluentKeys(aclDelete, func(_ *store.Tx, account *store.Resource, keys []any) ([]any, error) {
		left := []any{}
		for _, item := range keys {
			if key, _ := item.(map[string]any); text(key["key"]) != id {
				left = append(left, item)
			}
		}
		if len(left) == len(keys) {
			return nil, &kinds.Error{Code: kinds.NotFound, Title: "No API key with this id exists",
				Message: fmt.Sprintf("API key %s of service account %s not found", id, account.Name)}
		}
		return left, nil
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
