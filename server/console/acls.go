package console

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

const aclsPath = "/public/v1/clusters/{clusterName}/service-accounts"

func (r *router) acls() {
	r.secured(http.MethodGet, aclsPath, listPrincipals)
	r.secured(http.MethodPut, aclsPath, replaceACLs)
	r.secured(http.MethodGet, aclsPath+"/{aclPrincipal}", listACLs)
}

// The product's own names of the permissions on ACLs, which its refusals name.
const (
	aclRead   = "kafka.clusters.acl.read"
	aclCreate = "kafka.clusters.acl.create"
	aclDelete = "kafka.clusters.acl.delete"
)

// aclCluster returns the cluster in the path to whoever may do on its ACLs what
// the product's names say.
func (c *call) aclCluster(tx *store.Tx, names ...string) (*store.Resource, error) {
	name, err := c.param("clusterName")
	if err != nil {
		return nil, err
	}
	cluster, err := kinds.Cluster(tx, "clusterName", name)
	if err != nil {
		return nil, err
	}
	permission := rbac.ClusterManageACL
	if slices.Equal(names, []string{aclRead}) {
		permission = rbac.ClusterViewACL
	}
	err = c.permit(tx, kinds.Need{Grant: rbac.Need{Resource: rbac.ResourceCluster, Cluster: name, AnyOf: []rbac.Permission{permission}}})
	var refused *kinds.Error
	if errors.As(err, &refused) {
		refused.Title = fmt.Sprintf("The user doesn't have the required permission(s) %q to do this operation", strings.Join(names, ", "))
	}
	return cluster, err
}

// flavored refuses a cluster that is another product.
func flavored(cluster *store.Resource, flavor, title string) error {
	have := cluster.Value.(*kinds.KafkaCluster).Flavor
	if have == flavor {
		return nil
	}
	if have == "" {
		have = "none"
	}
	return &kinds.Error{Code: kinds.Invalid, Field: "clusterName", Title: title,
		Message: fmt.Sprintf("The kafkaFlavor of cluster %s is %s, expected %s", cluster.Name, have, flavor)}
}

func (c *call) accountKind() (*openapi.Kind, error) { return c.Engine.Kind("v1", "ServiceAccount") }

// aclPrincipal is who an ACL speaks of. The kind ServiceAccount knows names
// only: that of a User stands as it is, another type stands before the name.
type aclPrincipal struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

const userPrincipal = "User"

// typedPrincipal is a principal in Kafka's notation, type and name.
var typedPrincipal = regexp.MustCompile(`^([A-Z][A-Za-z]*):(.+)$`)

func principalOf(account string) aclPrincipal {
	if parts := typedPrincipal.FindStringSubmatch(account); parts != nil {
		return aclPrincipal{Type: parts[1], Name: parts[2]}
	}
	return aclPrincipal{Type: userPrincipal, Name: account}
}

// account is the name of the ServiceAccount. A user whose own name looks typed
// keeps the type, so that principalOf finds the same principal again.
func (p aclPrincipal) account() string {
	if p.Type == userPrincipal && !typedPrincipal.MatchString(p.Name) {
		return p.Name
	}
	return p.Type + ":" + p.Name
}

// aclPattern is what an ACL speaks of.
type aclPattern struct {
	ResourceType string `json:"resourceType"`
	Name         string `json:"name"`
	PatternType  string `json:"patternType"`
}

// aclBinding is one operation that one principal may or may not do.
type aclBinding struct {
	Pattern aclPattern `json:"pattern"`
	Entry   aclEntry   `json:"entry"`
}

type aclEntry struct {
	Principal  aclPrincipal `json:"principal"`
	Host       string       `json:"host"`
	Operation  string       `json:"operation"`
	Permission string       `json:"permissionType"`
}

// The two forms' words for the same.
var (
	aclTypes = map[string]string{"Topic": "TOPIC", "Group": "CONSUMER_GROUP", "Cluster": "CLUSTER", "TransactionalId": "TRANSACTIONAL_ID",
		"DelegationToken": "DELEGATION_TOKEN", "User": "USER", "Unknown": "UNKNOWN"}
	aclPatterns = map[string]string{"Literal": "LITERAL", "Prefixed": "PREFIXED"}
	// aclOperations are Kafka's, in its order.
	aclOperations = []string{"All", "Read", "Write", "Create", "Delete", "Alter", "Describe", "ClusterAction",
		"DescribeConfigs", "AlterConfigs", "IdempotentWrite", "CreateTokens", "DescribeTokens", "Unknown"}
)

const (
	allow      = "Allow"
	deny       = "Deny"
	kafkaACLs  = "KAFKA_ACL"
	aivenACLs  = "AIVEN_ACL"
	accountAPI = "v1"
)

func olderWord(words map[string]string, newer string) string {
	for older, word := range words {
		if word == newer {
			return older
		}
	}
	return "Unknown"
}

// accountObject is what these operations read of a ServiceAccount.
type accountObject struct {
	Spec struct {
		Authorization struct {
			Type string
			ACLs []accountACL
		}
	}
}

// accountACL is an element of either sort.
type accountACL struct {
	Type, Name, PatternType  string
	Operations               []string
	Host                     string
	ResourceType, Permission string
}

// bindings are the ACLs of an account one by one, each once.
func bindings(account *store.Resource) ([]aclBinding, error) {
	object, err := read[accountObject](account)
	if err != nil {
		return nil, err
	}
	list := []aclBinding{}
	if object.Spec.Authorization.Type != kafkaACLs {
		return list, nil
	}
	seen := map[aclBinding]bool{}
	for _, acl := range object.Spec.Authorization.ACLs {
		for _, operation := range acl.Operations {
			binding := aclBinding{
				Pattern: aclPattern{olderWord(aclTypes, acl.Type), acl.Name, olderWord(aclPatterns, acl.PatternType)},
				Entry:   aclEntry{principalOf(account.Name), acl.Host, operation, acl.Permission},
			}
			if !seen[binding] {
				seen[binding] = true
				list = append(list, binding)
			}
		}
	}
	return list, nil
}

// listPrincipals lists whoever has an ACL: Kafka knows no others.
func listPrincipals(c *call) error {
	tx := c.World.View()
	cluster, err := c.aclCluster(tx, aclRead)
	if err != nil {
		return err
	}
	list := []aclPrincipal{}
	for account := range tx.Resources("ServiceAccount", accountAPI, []string{cluster.Name}, "") {
		has, err := bindings(account)
		if err != nil {
			return err
		}
		if len(has) > 0 {
			list = append(list, principalOf(account.Name))
		}
	}
	return c.JSON(http.StatusOK, list)
}

// listACLs answers none for a principal that is not known, as Kafka does.
func listACLs(c *call) error {
	raw, err := c.param("aclPrincipal")
	if err != nil {
		return err
	}
	parts := typedPrincipal.FindStringSubmatch(raw)
	if parts == nil {
		return &kinds.Error{Code: kinds.Invalid, Field: "aclPrincipal",
			Message: fmt.Sprintf("Invalid value for: path parameter aclPrincipal (expected type and name such as User:checkout, got %q)", raw)}
	}
	tx := c.World.View()
	cluster, err := c.aclCluster(tx, aclRead)
	if err != nil {
		return err
	}
	account, err := tx.Resource("ServiceAccount", accountAPI, []string{cluster.Name}, aclPrincipal{parts[1], parts[2]}.account())
	if errors.Is(err, store.ErrNotFound) {
		return c.JSON(http.StatusOK, []aclBinding{})
	}
	if err != nil {
		return err
	}
	list, err := bindings(account)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, list)
}

func replaceACLs(c *call) error {
	if _, err := c.aclCluster(c.World.View(), aclCreate, aclDelete); err != nil {
		return err
	}
	sent, err := c.input()
	if err != nil {
		return err
	}
	who, _ := sent["aclPrincipal"].(map[string]any)
	principal := aclPrincipal{Type: text(who["type"]), Name: text(who["name"])}
	if !typedPrincipal.MatchString(principal.Type + ":" + principal.Name) {
		return badField("aclPrincipal", errors.New("expected a type such as User and a name"))
	}
	if problem := store.ValidName(principal.account()); problem != "" {
		return badField("aclPrincipal.name", fmt.Errorf("the name %s", problem))
	}
	acls, err := sentACLs(sent["acls"])
	if err != nil {
		return err
	}
	err = c.World.Update(func(tx *store.Tx) error {
		cluster, err := c.aclCluster(tx, aclCreate, aclDelete)
		if err != nil {
			return err
		}
		kind, err := c.accountKind()
		if err != nil {
			return err
		}
		key := kinds.Key{Parents: []string{cluster.Name}, Name: principal.account()}
		if _, err := c.Engine.Find(tx, kind, key); isNotFound(err) && len(acls) == 0 {
			return nil // there was nothing, and nothing is left
		}
		return c.putAccount(tx, kind, key, map[string]any{"type": kafkaACLs, "acls": acls})
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusOK)
}

// putAccount replaces the ACLs of an account; labels, its application instance
// and what it may do in a schema registry stay.
func (c *call) putAccount(tx *store.Tx, kind *openapi.Kind, key kinds.Key, authorization map[string]any) error {
	object, err := current(tx, kind, key)
	if err != nil {
		return err
	}
	object["spec"].(map[string]any)["authorization"] = authorization
	return c.put(tx, kinds.Request{Kind: kind, Object: object})
}

// sentACLs turns the older form, which names a state for each operation, into
// the kind's, which lists the operations of each permission.
func sentACLs(value any) ([]any, error) {
	list, _ := value.([]any)
	acls := []any{}
	for i, item := range list {
		sent, _ := item.(map[string]any)
		pattern, _ := sent["pattern"].(map[string]any)
		states, _ := sent["operationStates"].(map[string]any)
		for operation := range states {
			if !slices.Contains(aclOperations, operation) {
				return nil, badField(fmt.Sprintf("acls[%d].operationStates", i),
					fmt.Errorf("expected operations of %s, got %q", strings.Join(aclOperations, ", "), operation))
			}
		}
		for _, permission := range []string{allow, deny} {
			operations := []any{}
			for _, operation := range aclOperations {
				if text(states[operation]) == permission {
					operations = append(operations, operation)
				}
			}
			if len(operations) > 0 {
				acls = append(acls, map[string]any{"type": aclTypes[text(pattern["resourceType"])], "name": pattern["name"],
					"patternType": aclPatterns[text(pattern["patternType"])], "operations": operations,
					"host": sent["host"], "permission": permission})
			}
		}
	}
	return acls, nil
}
