package console

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"time"

	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

const (
	aivenPath     = "/public/v1/clusters/{clusterName}/service-accounts-aiven"
	aivenACLsPath = aivenPath + "/{AivenSAUsernamePattern}/acl"
)

func (r *router) aivenAccounts() {
	r.secured(http.MethodGet, aivenPath, listAivenAccounts)
	r.secured(http.MethodPost, aivenPath, createAivenAccount)
	r.secured(http.MethodDelete, aivenPath+"/{aivenSAUsername}", deleteAivenAccount)
	r.secured(http.MethodGet, aivenACLsPath, listAivenACLs)
	r.secured(http.MethodPut, aivenACLsPath, replaceAivenACLs)
}

// The service users of an Aiven cluster are its ServiceAccount resources. One
// with a wildcard in its name is no user but holds the ACLs of a pattern of
// names, which Aiven allows.

// isAivenPattern says whether a name stands for several users.
func isAivenPattern(name string) bool { return strings.ContainsAny(name, "*?") }

// aivenCluster is aclCluster for clusters that are Aiven's.
func (c *call) aivenCluster(tx *store.Tx, names ...string) (*store.Resource, error) {
	cluster, err := c.aclCluster(tx, names...)
	if err != nil {
		return nil, err
	}
	return cluster, flavored(cluster, kinds.FlavorAiven, "This cluster is not an Aiven cluster.")
}

func listAivenAccounts(c *call) error {
	tx := c.World.View()
	cluster, err := c.aivenCluster(tx, aclRead)
	if err != nil {
		return err
	}
	list := []string{}
	for account := range tx.Resources("ServiceAccount", accountAPI, []string{cluster.Name}, "") {
		if !isAivenPattern(account.Name) {
			list = append(list, account.Name)
		}
	}
	return c.JSON(http.StatusOK, list)
}

// aivenAccount is a new service user with its credentials, which are shown only
// here. The field names are Aiven's.
type aivenAccount struct {
	AccessCert string `json:"access_cert"`
	AccessKey  string `json:"access_key"`
	Password   string `json:"password"`
	Type       string `json:"type"`
	Username   string `json:"username"`
}

// maxAivenName is the length of a service user's name at Aiven, in bytes.
const maxAivenName = 64

func createAivenAccount(c *call) error {
	if _, err := c.aivenCluster(c.World.View(), aclCreate); err != nil {
		return err
	}
	sent, err := c.input()
	if err != nil {
		return err
	}
	name := text(sent["username"])
	if name == "" || len(name) > maxAivenName || isAivenPattern(name) || strings.ContainsAny(name, " /:") || store.ValidName(name) != "" {
		return badField("username", fmt.Errorf("expected a name of at most %d characters without spaces, '/', ':', '*' and '?'", maxAivenName))
	}
	created, err := newAivenCredentials(name, c.World.Clock.Now())
	if err != nil {
		return err
	}
	err = c.World.Update(func(tx *store.Tx) error {
		cluster, err := c.aivenCluster(tx, aclCreate)
		if err != nil {
			return err
		}
		kind, err := c.accountKind()
		if err != nil {
			return err
		}
		object := newObject(kind, name, cluster.Name)
		object["spec"] = map[string]any{"authorization": map[string]any{"type": aivenACLs, "acls": []any{}}}
		return c.put(tx, kinds.Request{Kind: kind, Object: object, CreateOnly: true})
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, created)
}

// aivenValidity is how long a new user's certificate is good for.
const aivenValidity = 2 * 365 * 24 * time.Hour

// newAivenCredentials makes a password and a client certificate with its key.
func newAivenCredentials(name string, now time.Time) (aivenAccount, error) {
	secret := make([]byte, 24)
	if _, err := rand.Read(secret); err != nil {
		return aivenAccount{}, fmt.Errorf("make a password: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return aivenAccount{}, fmt.Errorf("make a key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return aivenAccount{}, fmt.Errorf("make a serial number: %w", err)
	}
	template := &x509.Certificate{SerialNumber: serial.Add(serial, big.NewInt(1)), Subject: pkix.Name{CommonName: name},
		NotBefore: now, NotAfter: now.Add(aivenValidity), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return aivenAccount{}, fmt.Errorf("make a certificate: %w", err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return aivenAccount{}, fmt.Errorf("encode a key: %w", err)
	}
	return aivenAccount{
		AccessCert: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		AccessKey:  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})),
		Password:   base64.RawURLEncoding.EncodeToString(secret), Type: "regular", Username: name,
	}, nil
}

func deleteAivenAccount(c *call) error {
	name, err := c.param("aivenSAUsername")
	if err != nil {
		return err
	}
	err = c.World.Update(func(tx *store.Tx) error {
		cluster, err := c.aivenCluster(tx, aclDelete)
		if err != nil {
			return err
		}
		kind, err := c.accountKind()
		if err != nil {
			return err
		}
		key := kinds.Key{Parents: []string{cluster.Name}, Name: name}
		if _, err := c.Engine.Find(tx, kind, key); isNotFound(err) || isAivenPattern(name) {
			return &kinds.Error{Code: kinds.NotFound, Title: "No service account with this username exists",
				Message: fmt.Sprintf("Service account %s not found on cluster %s", name, cluster.Name)}
		}
		return c.Engine.Delete(tx, kind, key, func(need kinds.Need) error { return c.permit(tx, need) })
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// aivenACLList splits the ACLs of a user by where they hold.
type aivenACLList struct {
	Topics   []aivenTopicACL    `json:"acls"`
	Subjects []aivenRegistryACL `json:"schemaRegistryAcls"`
}

type aivenTopicACL struct {
	ID         string `json:"id"`
	Permission string `json:"permission"`
	Topic      string `json:"topic"`
	Username   string `json:"username"`
}

type aivenRegistryACL struct {
	ID         string `json:"id"`
	Permission string `json:"permission"`
	Resource   string `json:"resource"`
	Username   string `json:"username"`
}

// The kind's words for where an ACL holds.
const (
	aivenTopic  = "TOPIC"
	aivenSchema = "SCHEMA"
)

// listAivenACLs answers none for a user that is not known.
func listAivenACLs(c *call) error {
	name, err := c.param("AivenSAUsernamePattern")
	if err != nil {
		return err
	}
	tx := c.World.View()
	cluster, err := c.aivenCluster(tx, aclRead)
	if err != nil {
		return err
	}
	shown := aivenACLList{Topics: []aivenTopicACL{}, Subjects: []aivenRegistryACL{}}
	account, err := tx.Resource("ServiceAccount", accountAPI, []string{cluster.Name}, name)
	if errors.Is(err, store.ErrNotFound) {
		return c.JSON(http.StatusOK, shown)
	}
	if err != nil {
		return err
	}
	object, err := read[accountObject](account)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, acl := range object.Spec.Authorization.ACLs {
		id := "acl" + strings.ReplaceAll(store.DerivedUUID(cluster.Name, name, acl.ResourceType, acl.Name, acl.Permission), "-", "")[:12]
		switch {
		case seen[id]:
		case acl.ResourceType == aivenSchema:
			shown.Subjects = append(shown.Subjects, aivenRegistryACL{id, acl.Permission, acl.Name, name})
		default:
			shown.Topics = append(shown.Topics, aivenTopicACL{id, acl.Permission, acl.Name, name})
		}
		seen[id] = true
	}
	return c.JSON(http.StatusOK, shown)
}

func replaceAivenACLs(c *call) error {
	name, err := c.param("AivenSAUsernamePattern")
	if err != nil {
		return err
	}
	if problem := store.ValidName(name); problem != "" {
		return &kinds.Error{Code: kinds.Invalid, Field: "AivenSAUsernamePattern",
			Message: "Invalid value for: path parameter AivenSAUsernamePattern (" + problem + ")"}
	}
	if _, err := c.aivenCluster(c.World.View(), aclCreate, aclDelete); err != nil {
		return err
	}
	sent, err := c.input()
	if err != nil {
		return err
	}
	acls := []any{}
	for _, part := range []struct{ field, resource, name string }{{"acls", aivenTopic, "topic"}, {"schemaRegistryAcls", aivenSchema, "resource"}} {
		list, _ := sent[part.field].([]any)
		for _, item := range list {
			acl, _ := item.(map[string]any)
			acls = append(acls, map[string]any{"resourceType": part.resource, "name": acl[part.name], "permission": acl["permission"]})
		}
	}
	err = c.World.Update(func(tx *store.Tx) error {
		cluster, err := c.aivenCluster(tx, aclCreate, aclDelete)
		if err != nil {
			return err
		}
		kind, err := c.accountKind()
		if err != nil {
			return err
		}
		return c.putAccount(tx, kind, kinds.Key{Parents: []string{cluster.Name}, Name: name}, map[string]any{"type": aivenACLs, "acls": acls})
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusOK)
}
