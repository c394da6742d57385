package kinds

import (
	"time"

	"github.com/mockduktor/mockduktor/openapi"
)

// ConfluentServiceAccountKind is the kind of service accounts in Confluent Cloud.
const ConfluentServiceAccountKind = "ConfluentServiceAccount"

// ConfluentServiceAccount is the typed form of a service account in Confluent
// Cloud.
type ConfluentServiceAccount struct {
	ResourceID  string // such as sa-abc123
	InternalID  int32
	ServiceName string
	Description string
	Keys        []ConfluentKey // in the order in which they were made
}

// ConfluentKey is an API key of such an account, without its secret.
type ConfluentKey struct {
	Key         string
	Description string
	CreatedAt   time.Time // zero: when the account was applied
}

func confluentServiceAccountRule() *Rule {
	return &Rule{
		Check: checkConfluentServiceAccount,
		Parse: parseConfluentServiceAccount,
	}
}

func checkConfluentServiceAccount(c *Change) error {
	cluster, err := Cluster(c.Tx, "metadata.cluster", c.Key.Parents[0])
	if err != nil {
		return err
	}
	if cluster.Value.(*KafkaCluster).Flavor != FlavorConfluent {
		return conflict("metadata.cluster", "cluster %s is not Confluent Cloud: its spec.kafkaFlavor.type is not %s", cluster.Name, FlavorConfluent)
	}
	value, problems := parseConfluentServiceAccount(c.Object)
	if len(problems) > 0 {
		return FromProblems(problems)
	}
	account := value.(*ConfluentServiceAccount)
	keys := map[string]bool{}
	for i, key := range account.Keys {
		if keys[key.Key] {
			return conflict(index("spec.apiKeys", i)+".key", "the account has the API key %s twice", key.Key)
		}
		keys[key.Key] = true
	}
	for resource := range c.Tx.Resources(c.Kind.Name, c.Kind.Version, c.Key.Parents, "") {
		other := resource.Value.(*ConfluentServiceAccount)
		switch {
		case resource.Name == c.Key.Name:
			continue
		case other.ServiceName == account.ServiceName:
			return conflict("spec.serviceName", "the service account %s has the name %s already", resource.Name, account.ServiceName)
		case other.InternalID == account.InternalID:
			return conflict("spec.internalId", "the service account %s has the number %d already", resource.Name, account.InternalID)
		}
		for i, key := range account.Keys {
			for _, theirs := range other.Keys {
				if key.Key == theirs.Key {
					return conflict(index("spec.apiKeys", i)+".key", "the service account %s has the API key %s already", resource.Name, key.Key)
				}
			}
		}
	}
	return nil
}

func parseConfluentServiceAccount(object map[string]any) (any, []openapi.Problem) {
	value, problems := typed[struct {
		Metadata struct{ Name string }
		Spec     struct {
			ServiceName, Description string
			InternalID               *int32
			APIKeys                  []ConfluentKey
		}
	}](object)
	if len(problems) > 0 {
		return nil, problems
	}
	account := &ConfluentServiceAccount{ResourceID: value.Metadata.Name, InternalID: derivedNumber(value.Metadata.Name),
		ServiceName: value.Spec.ServiceName, Description: value.Spec.Description, Keys: value.Spec.APIKeys}
	if value.Spec.InternalID != nil {
		account.InternalID = *value.Spec.InternalID
	}
	return account, nil
}

// The flavors of Kafka clusters that have service accounts of their own.
const (
	FlavorConfluent = "Confluent"
	FlavorAiven     = flavorAiven
)
