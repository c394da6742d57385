package console

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

func (r *router) tokens() {
	r.secured(http.MethodGet, "/token/v1/admin_tokens", listAdminTokens)
	r.secured(http.MethodPost, "/token/v1/admin_tokens", createAdminToken)
	r.secured(http.MethodGet, instanceTokensPath, listInstanceTokens)
	r.secured(http.MethodPost, instanceTokensPath, createInstanceToken)
	r.secured(http.MethodDelete, "/token/v1/{token-id}", deleteToken)
	r.secured(http.MethodGet, "/token/v1/whoami", whoami)
}

const instanceTokensPath = "/token/v1/application_instance_tokens/{application-instance-name}"

// tokenResponse is an API key as lists show it: never with its value.
type tokenResponse struct {
	ID           string     `json:"id"`
	Name         string     `json:"name"`
	CreatedAt    time.Time  `json:"createdAt"`
	LastTimeUsed *time.Time `json:"lastTimeUsed,omitempty"`
}

type tokenCreated struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Token     string    `json:"token"`
	CreatedAt time.Time `json:"createdAt"`
}

func listAdminTokens(c *call) error {
	tx := c.World.View()
	if err := c.allow(tx, kinds.Need{}); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, tokensOf(tx, kinds.AdminKey, ""))
}

func tokensOf(tx *store.Tx, sort, instance string) []tokenResponse {
	list := []tokenResponse{}
	for resource := range tx.Resources(kinds.APIKeyKind, "v1", nil, "") {
		key := resource.Value.(*kinds.APIKey)
		if key.Type != sort || key.Instance != instance {
			continue
		}
		shown := tokenResponse{ID: key.ID, Name: key.Label, CreatedAt: resource.CreatedAt}
		if use, err := tx.Record(recordUse, key.ID); err == nil {
			at := use.Value.(time.Time)
			shown.LastTimeUsed = &at
		}
		list = append(list, shown)
	}
	slices.SortFunc(list, func(a, b tokenResponse) int {
		if order := a.CreatedAt.Compare(b.CreatedAt); order != 0 {
			return order
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list
}

func createAdminToken(c *call) error {
	return c.createToken("/token/v1/admin_tokens", kinds.AdminKey, "", kinds.Need{})
}

func (c *call) instanceParam(tx *store.Tx) (string, kinds.Need, error) {
	name, err := c.param("application-instance-name")
	if err != nil {
		return "", kinds.Need{}, err
	}
	kind, err := c.Engine.Kind("v1", "ApplicationInstance")
	if err != nil {
		return "", kinds.Need{}, err
	}
	resource, err := c.Engine.Find(tx, kind, kinds.Key{Name: name})
	if err != nil {
		return "", kinds.Need{}, err
	}
	application := resource.Value.(*kinds.ApplicationInstance).Application
	return name, kinds.Need{Application: application, Instance: name, InstancePermission: rbac.ApplicationInstanceAPIKeyManage}, nil
}

// allowKeys is allow for API keys of an instance: such a key does not manage
// its own kind.
func (c *call) allowKeys(tx *store.Tx, need kinds.Need) error {
	if c.who.Sort == SortInstanceKey {
		c.trace.decided(tx, c, need, false)
		return c.forbidden(tx, c.who, need)
	}
	return c.allow(tx, need)
}

func listInstanceTokens(c *call) error {
	tx := c.World.View()
	instance, need, err := c.instanceParam(tx)
	if err != nil {
		return err
	}
	if err := c.allowKeys(tx, need); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, tokensOf(tx, kinds.InstanceKey, instance))
}

func createInstanceToken(c *call) error {
	instance, need, err := c.instanceParam(c.World.View())
	if err != nil {
		return err
	}
	return c.createToken(instanceTokensPath, kinds.InstanceKey, instance, need)
}

func (c *call) createToken(path, sort, instance string, need kinds.Need) error {
	object, err := c.body()
	if err != nil {
		return err
	}
	if err := kinds.FromProblems(c.Document.ValidateBody(http.MethodPost, path, object)); err != nil {
		return err
	}
	label := strings.TrimSpace(text(object["name"]))
	if label == "" {
		return &kinds.Error{Code: kinds.Invalid, Field: "name", Message: "Invalid value for: body (expected a name for the token at 'name')"}
	}
	// The value is random, not derived from the seed: after a restart an old key
	// must not be somebody else's new one.
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		return fmt.Errorf("make a token: %w", err)
	}
	token := base64.RawURLEncoding.EncodeToString(secret)
	kind, err := c.Engine.Kind("mockduktor/v1", kinds.APIKeyKind)
	if err != nil {
		return err
	}
	var created tokenCreated
	err = c.World.Update(func(tx *store.Tx) error {
		if err := c.allowKeys(tx, need); err != nil {
			return err
		}
		number, err := tx.NextID()
		if err != nil {
			return err
		}
		name := store.DerivedUUID("token", fmt.Sprint(number))
		spec := map[string]any{"token": token, "type": sort, "displayName": label}
		if instance != "" {
			spec["applicationInstance"] = instance
		}
		if c.who.Email != "" {
			spec["createdBy"] = c.who.Email
		}
		resource, _, err := c.Engine.Apply(tx, kinds.Request{Kind: kind, Object: map[string]any{
			"apiVersion": "mockduktor/v1", "kind": kinds.APIKeyKind,
			"metadata": map[string]any{"name": name}, "spec": spec}})
		if err != nil {
			return err
		}
		created = tokenCreated{ID: resource.Value.(*kinds.APIKey).ID, Name: label, Token: token, CreatedAt: resource.CreatedAt}
		return nil
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, created)
}

// deleteToken ends a key at once. Whoever may make a key may delete it.
func deleteToken(c *call) error {
	id, err := c.param("token-id")
	if err != nil {
		return err
	}
	if !isUUID(id) {
		return &kinds.Error{Code: kinds.Invalid, Field: "token-id", Message: "Invalid value for: path parameter token-id (expected a UUID)"}
	}
	err = c.World.Update(func(tx *store.Tx) error {
		resource, ok := kinds.APIKeyByID(tx, strings.ToLower(id))
		need := kinds.Need{}
		if ok {
			if key := resource.Value.(*kinds.APIKey); key.Instance != "" {
				if instance, err := tx.Resource("ApplicationInstance", "v1", nil, key.Instance); err == nil {
					need = kinds.Need{Application: instance.Value.(*kinds.ApplicationInstance).Application,
						Instance: key.Instance, InstancePermission: rbac.ApplicationInstanceAPIKeyManage}
				}
			}
		}
		if err := c.allowKeys(tx, need); err != nil {
			return err
		}
		if !ok {
			return &kinds.Error{Code: kinds.NotFound, Title: "No token with this id exists", Message: "Token " + id + " not found"}
		}
		if err := tx.DeleteRecord(recordUse, strings.ToLower(id)); err != nil {
			return err
		}
		return tx.Delete(resource)
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// isUUID checks the textual form of RFC 9562, section 4.
func isUUID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i, r := range text {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if r != '-' {
				return false
			}
		} else if !strings.ContainsRune("0123456789abcdefABCDEF", r) {
			return false
		}
	}
	return true
}

// whoami answers who the credential is: a shape for each sort.
func whoami(c *call) error {
	if c.who.Key == nil {
		return c.JSON(http.StatusOK, struct {
			Email string `json:"email"`
		}{c.who.Email})
	}
	resource, ok := kinds.APIKeyByID(c.World.View(), c.who.Key.ID)
	if !ok {
		return refuse("the API key has just been deleted")
	}
	if c.who.Sort == SortInstanceKey {
		return c.JSON(http.StatusOK, struct {
			ID       string `json:"id"`
			Name     string `json:"name"`
			Instance string `json:"applicationInstanceName"`
		}{c.who.Key.ID, c.who.Key.Label, c.who.Instance})
	}
	return c.JSON(http.StatusOK, struct {
		ID        string    `json:"id"`
		Name      string    `json:"name"`
		CreatedAt time.Time `json:"createdAt"`
		CreatedBy string    `json:"createdBy,omitempty"`
	}{c.who.Key.ID, c.who.Key.Label, resource.CreatedAt, c.who.Key.Creator})
}
