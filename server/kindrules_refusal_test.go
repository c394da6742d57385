package server_test

import (
	"net/http"
	"strings"
	"testing"
)

// ruleWorld has one of everything that the rules between resources are about.
const ruleWorld = `
apiVersion: v2
kind: KafkaCluster
metadata: {name: dev}
spec:
  displayName: Dev
  bootstrapServers: kafka:9092
  schemaRegistry: {type: ConfluentLike, url: "http://registry:8081", security: {type: NoSecurity}, ignoreUntrustedCertificate: false}
  policiesRef: [no-zero]
---
apiVersion: v2
kind: KafkaCluster
metadata: {name: other}
spec: {displayName: Other, bootstrapServers: "kafka:9092"}
---
apiVersion: v2
kind: KafkaCluster
metadata: {name: gw}
spec:
  displayName: Gateway
  bootstrapServers: gateway:6969
  kafkaFlavor: {type: Gateway, url: "http://gateway:8888", user: admin, password: not-a-real-password, virtualCluster: passthrough}
---
apiVersion: v2
kind: KafkaCluster
metadata: {name: aiven}
spec:
  displayName: Aiven
  bootstrapServers: kafka:9092
  kafkaFlavor: {type: Aiven, apiToken: not-a-real-token, project: p, serviceName: s}
---
apiVersion: v2
kind: KafkaCluster
metadata: {name: aws}
spec:
  displayName: AWS
  bootstrapServers: kafka:9092
  schemaRegistry: {type: Glue, region: eu-west-1, security: {type: FromContext}}
---
apiVersion: v2
kind: KafkaConnectCluster
metadata: {name: connect-a, cluster: dev}
spec: {displayName: Connect, urls: "http://connect:8083", policiesRef: [one-task]}
---
apiVersion: v2
kind: KsqlDBCluster
metadata: {name: ksql-a, cluster: dev}
spec: {displayName: Ksql, url: "http://ksql:8088"}
---
apiVersion: v2
kind: User
metadata: {name: ada@rules.example}
spec: {}
---
apiVersion: v2
kind: Group
metadata: {name: owners}
spec: {displayName: Owners, members: [ada@rules.example]}
---
apiVersion: v2
kind: Group
metadata: {name: quality}
spec: {displayName: Quality}
---
apiVersion: v1
kind: TopicPolicy
metadata: {name: few-partitions}
spec:
  policies:
    spec.partitions: {constraint: Range, min: 1, max: 12}
---
apiVersion: v1
kind: ResourcePolicy
metadata: {name: has-team}
spec:
  targetKind: Topic
  rules: [{condition: "has(metadata.labels.team)", errorMessage: name your team}]
---
apiVersion: v1
kind: ResourcePolicy
metadata: {name: no-zero}
spec:
  targetKind: Topic
  rules: [{condition: "!metadata.name.startsWith('zero')", errorMessage: zero is no name}]
---
apiVersion: v1
kind: ResourcePolicy
metadata: {name: one-task}
spec:
  targetKind: Connector
  rules: [{condition: "spec.config['tasks.max'] == '1'", errorMessage: one task is enough}]
---
apiVersion: v1
kind: ResourcePolicy
metadata: {name: avro-only}
spec:
  targetKind: Subject
  rules: [{condition: "spec.format == 'AVRO'", errorMessage: we speak Avro}]
---
apiVersion: v1
kind: ResourcePolicy
metadata: {name: no-strangers}
spec:
  targetKind: ApplicationGroup
  rules: [{condition: "spec.members.all(m, m.endsWith('@rules.example'))", errorMessage: no strangers}]
---
apiVersion: v1
kind: Application
metadata: {name: shop}
spec: {title: Shop, owner: owners, policyRef: [no-strangers, avro-only]}
---
apiVersion: v1
kind: Application
metadata: {name: mail}
spec: {title: Mail, owner: owners}
---
apiVersion: v1
kind: ApplicationInstance
metadata: {name: shop-dev, application: shop}
spec:
  cluster: dev
  serviceAccount: sa-shop
  topicPolicyRef: [few-partitions]
  policyRef: [has-team]
  resources:
    - {type: TOPIC, name: shop., patternType: PREFIXED}
    - {type: CONSUMER_GROUP, name: shop., patternType: PREFIXED}
    - {type: SUBJECT, name: shop., patternType: PREFIXED}
    - {type: CONNECTOR, connectCluster: connect-a, name: shop., patternType: PREFIXED}
---
apiVersion: v1
kind: ApplicationInstance
metadata: {name: mail-dev, application: mail}
spec:
  cluster: dev
  resources: [{type: TOPIC, name: mail., patternType: PREFIXED}]
---
apiVersion: v1
kind: ApplicationInstance
metadata: {name: mail-other, application: mail}
spec: {cluster: other}
---
apiVersion: v1
kind: ApplicationInstancePermission
metadata: {name: shop-to-mail, application: shop, appInstance: shop-dev}
spec:
  resource: {type: TOPIC, name: shop.paid, patternType: LITERAL}
  userPermission: READ
  serviceAccountPermission: READ
  grantedTo: mail-dev
---
apiVersion: v1
kind: ApplicationGroup
metadata: {name: mail-support, application: mail}
spec:
  displayName: Support
  permissions:
    - {appInstance: mail-dev, resourceType: TOPIC, patternType: LITERAL, name: "*", permissions: [topicConsume]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: sa-mail, cluster: dev, appInstance: mail-dev}
spec: {authorization: {type: KAFKA_ACL, acls: []}}
---
apiVersion: v2
kind: Topic
metadata: {name: shop.paid, cluster: dev, labels: {team: shop}}
spec: {partitions: 3, replicationFactor: 1}
---
apiVersion: v2
kind: Subject
metadata: {name: money-value, cluster: dev}
spec: {format: AVRO, schema: '{"type":"record","name":"Money","namespace":"shop","fields":[]}'}
---
apiVersion: v2
kind: Subject
metadata: {name: shop.paid-value, cluster: dev}
spec:
  format: AVRO
  schema: '{"type":"record","name":"Paid","fields":[{"name":"sum","type":"shop.Money"}]}'
  references: [{name: shop.Money, subject: money-value, version: 1}]
---
apiVersion: v2
kind: Connector
metadata: {name: shop.sink, cluster: dev, connectCluster: connect-a}
spec: {config: {connector.class: org.example.Sink, tasks.max: "1"}}
---
apiVersion: v2
kind: PartnerZone
metadata: {name: zone}
spec:
  cluster: gw
  authenticationMode: {type: PLAIN, serviceAccount: partner}
---
apiVersion: v1
kind: DataQualityRule
metadata: {name: has-id}
spec: {type: Cel, celExpression: has(value.id), displayName: Has id}
---
apiVersion: v1
kind: DataQualityPolicy
metadata: {name: ids, group: quality}
spec:
  displayName: Ids
  rules: [has-id, enforce-avro]
  targets: [{cluster: gw, topic: shop.paid, patternType: LITERAL}]
  actions: {mark: {enabled: true}}
---
apiVersion: v3
kind: Alert
metadata: {name: many-violations, group: owners}
spec: {type: DataQualityPolicyAlert, policyName: ids, triggerAfter: 5, withinInSeconds: 60}
`

// ruleCase is one refused call. A document is put; "delete KIND NAME …" deletes
// what the world holds.
type ruleCase struct {
	rule   string
	call   string
	status int
	texts  []string
}

func refuses(rule string, status int, call string, texts ...string) ruleCase {
	return ruleCase{rule, call, status, texts}
}

const (
	gone   = http.StatusNotFound
	clash  = http.StatusConflict
	broken = http.StatusBadRequest
)

var ruleCases = []ruleCase{
	refuses("a parent cluster must exist", gone, `
apiVersion: v2
kind: KafkaConnectCluster
metadata: {name: x, cluster: nope}
spec: {displayName: X, urls: "http://x"}`, "Cluster nope not found"),
	refuses("a parent cluster must exist, ksqlDB", gone, `
apiVersion: v2
kind: KsqlDBCluster
metadata: {name: x, cluster: nope}
spec: {displayName: X, url: "http://x"}`, "Cluster nope not found"),
	refuses("a parent Kafka Connect cluster must exist", gone, `
apiVersion: v2
kind: Connector
metadata: {name: x, cluster: dev, connectCluster: nope}
spec: {config: {connector.class: X}}`, "Kafka Connect cluster nope not found on cluster dev"),

	refuses("policiesRef of a cluster names no policy for application groups", clash, `
apiVersion: v2
kind: KafkaCluster
metadata: {name: other}
spec: {displayName: Other, bootstrapServers: "kafka:9092", policiesRef: [no-strangers]}`, "is for the kind ApplicationGroup"),
	refuses("a cluster with application instances stays", clash, "delete KafkaCluster other", "the application instance mail-other is on it"),
	refuses("a cluster of a partner zone stays", clash, "delete KafkaCluster gw", "uses it"),

	refuses("policiesRef of a Kafka Connect cluster names policies for connectors", clash, `
apiVersion: v2
kind: KafkaConnectCluster
metadata: {name: connect-a, cluster: dev}
spec: {displayName: Connect, urls: "http://connect:8083", policiesRef: [has-team]}`, "is for the kind Topic", "Connector is expected"),
	refuses("a Kafka Connect cluster in which an instance owns connectors stays", clash, "delete KafkaConnectCluster dev/connect-a", "the application instance shop-dev owns connectors in it"),

	refuses("an owner group exists", gone, `
apiVersion: v1
kind: Application
metadata: {name: x}
spec: {title: X, owner: nope}`, "Group nope not found"),
	refuses("policyRef of an application names policies that exist", gone, `
apiVersion: v1
kind: Application
metadata: {name: x}
spec: {title: X, owner: owners, policyRef: [nope]}`, "ResourcePolicy nope not found"),
	refuses("an application with instances stays", clash, "delete Application shop", "Cannot delete shop because it has instances"),
	refuses("a group that owns an application stays", clash, "delete Group owners", "Cannot delete owners because it owns the application"),
	refuses("a group that owns a data quality policy stays", clash, "delete Group quality", "it owns the data quality policy ids"),
	refuses("the group admin stays", clash, "delete Group admin", "built in"),
	refuses("the root admin stays", clash, "delete User admin@mockduktor.example", "root admin"),

	refuses("an instance's application exists", gone, `
apiVersion: v1
kind: ApplicationInstance
metadata: {name: x, application: nope}
spec: {cluster: dev}`, "Application nope not found"),
	refuses("an instance's cluster exists", gone, `
apiVersion: v1
kind: ApplicationInstance
metadata: {name: x, application: shop}
spec: {cluster: nope}`, "Cluster nope not found"),
	refuses("an instance's cluster cannot change", clash, `
apiVersion: v1
kind: ApplicationInstance
metadata: {name: mail-dev, application: mail}
spec: {cluster: other}`, "cannot change from dev to other"),
	refuses("an instance's application cannot change", clash, `
apiVersion: v1
kind: ApplicationInstance
metadata: {name: mail-dev, application: shop}
spec: {cluster: dev}`, "application of mail-dev cannot change"),
	refuses("an instance keeps what it shares", clash, `
apiVersion: v1
kind: ApplicationInstance
metadata: {name: shop-dev, application: shop}
spec: {cluster: dev, resources: [{type: TOPIC, name: shop.orders, patternType: PREFIXED}]}`, "no longer own shop.paid (LITERAL)", "shop-to-mail", "delete that first"),
	refuses("topicPolicyRef names policies that exist", gone, `
apiVersion: v1
kind: ApplicationInstance
metadata: {name: mail-dev, application: mail}
spec: {cluster: dev, topicPolicyRef: [nope]}`, "TopicPolicy nope not found"),
	refuses("policyRef of an instance names no policy for application groups", clash, `
apiVersion: v1
kind: ApplicationInstance
metadata: {name: mail-dev, application: mail}
spec: {cluster: dev, policyRef: [no-strangers]}`, "is for the kind ApplicationGroup"),
	refuses("a service account has one instance", clash, `
apiVersion: v1
kind: ApplicationInstance
metadata: {name: x, application: mail}
spec: {cluster: dev, serviceAccount: sa-shop}`, "sa-shop is already used by the application instance shop-dev"),
	refuses("instances do not overlap", clash, `
apiVersion: v1
kind: ApplicationInstance
metadata: {name: x, application: mail}
spec: {cluster: dev, resources: [{type: TOPIC, name: shop.paid, patternType: LITERAL}]}`, "overlaps with shop."),
	refuses("a name does not end in a star", broken, `
apiVersion: v1
kind: ApplicationInstance
metadata: {name: x, application: mail}
spec: {cluster: dev, resources: [{type: TOPIC, name: "new*", patternType: PREFIXED}]}`, "without the star"),
	refuses("a connectCluster belongs to the cluster", gone, `
apiVersion: v1
kind: ApplicationInstance
metadata: {name: x, application: mail}
spec: {cluster: other, resources: [{type: CONNECTOR, connectCluster: connect-a, name: x., patternType: PREFIXED}]}`, "Kafka Connect cluster connect-a not found on cluster other"),
	refuses("an instance that others name stays", clash, "delete ApplicationInstance mail-dev", "refers to it"),

	refuses("a permission's instance owns the resource", clash, `
apiVersion: v1
kind: ApplicationInstancePermission
metadata: {name: x, application: mail, appInstance: mail-dev}
spec: {resource: {type: TOPIC, name: shop.paid, patternType: LITERAL}, userPermission: READ, grantedTo: shop-dev}`, "does not own shop.paid"),
	refuses("a permission stays on one cluster", clash, `
apiVersion: v1
kind: ApplicationInstancePermission
metadata: {name: x, application: shop, appInstance: shop-dev}
spec: {resource: {type: TOPIC, name: shop.paid, patternType: LITERAL}, userPermission: READ, grantedTo: mail-other}`, "a permission stays on one cluster"),
	refuses("a permission's instance is of its application", clash, `
apiVersion: v1
kind: ApplicationInstancePermission
metadata: {name: x, application: mail, appInstance: shop-dev}
spec: {resource: {type: TOPIC, name: shop.paid, patternType: LITERAL}, userPermission: READ, grantedTo: mail-dev}`, "belongs to shop, not to mail"),
	refuses("a permission cannot change", clash, `
apiVersion: v1
kind: ApplicationInstancePermission
metadata: {name: shop-to-mail, application: shop, appInstance: shop-dev}
spec: {resource: {type: TOPIC, name: shop.paid, patternType: LITERAL}, userPermission: WRITE, grantedTo: mail-dev}`, "cannot change once it is created"),
	refuses("a permission's receiver exists", gone, `
apiVersion: v1
kind: ApplicationInstancePermission
metadata: {name: x, application: shop, appInstance: shop-dev}
spec: {resource: {type: TOPIC, name: shop.paid, patternType: LITERAL}, userPermission: READ, grantedTo: nope}`, "ApplicationInstance nope not found"),

	refuses("an application group's application exists", gone, `
apiVersion: v1
kind: ApplicationGroup
metadata: {name: x, application: nope}
spec: {displayName: X}`, "Application nope not found"),
	refuses("an application group speaks of its own instances", clash, `
apiVersion: v1
kind: ApplicationGroup
metadata: {name: x, application: shop}
spec: {displayName: X, permissions: [{appInstance: mail-dev, resourceType: TOPIC, patternType: LITERAL, name: "*", permissions: [topicConsume]}]}`, "belongs to mail, not to shop"),
	refuses("an application group stays within what its instance reaches", clash, `
apiVersion: v1
kind: ApplicationGroup
metadata: {name: x, application: shop}
spec: {displayName: X, permissions: [{appInstance: shop-dev, resourceType: TOPIC, patternType: LITERAL, name: mail.sent, permissions: [topicConsume]}]}`, "neither owns nor was granted mail.sent"),
	refuses("an application group's application cannot change", clash, `
apiVersion: v1
kind: ApplicationGroup
metadata: {name: mail-support, application: shop}
spec: {displayName: Support}`, "application of mail-support cannot change"),
	refuses("a resource policy of the application holds for its groups", clash, `
apiVersion: v1
kind: ApplicationGroup
metadata: {name: x, application: shop}
spec: {displayName: X, members: [bo@rules.example, eve@elsewhere.example]}`, "no strangers", "application shop"),

	refuses("a range has its min below its max", broken, `
apiVersion: v1
kind: TopicPolicy
metadata: {name: x}
spec: {policies: {spec.partitions: {constraint: Range, min: 5, max: 4}}}`, "spec.policies.spec.partitions.min", "at most max, which is 4, got 5"),
	refuses("a pattern compiles", broken, `
apiVersion: v1
kind: TopicPolicy
metadata: {name: x}
spec: {policies: {metadata.name: {constraint: Match, pattern: "(?=x)("}}}`, "spec.policies.metadata.name.pattern", "regular expression"),
	refuses("a topic policy in use stays", clash, "delete TopicPolicy few-partitions", "the ApplicationInstance shop-dev refers to it"),
	refuses("a resource policy of an instance stays", clash, "delete ResourcePolicy has-team", "the ApplicationInstance shop-dev refers to it"),
	refuses("a resource policy of an application stays", clash, "delete ResourcePolicy no-strangers", "the Application shop refers to it"),
	refuses("a resource policy of a cluster stays", clash, "delete ResourcePolicy no-zero", "the KafkaCluster dev refers to it"),
	refuses("a resource policy of a Kafka Connect cluster stays", clash, "delete ResourcePolicy one-task", "the KafkaConnectCluster connect-a refers to it"),
	refuses("the kind that a policy in use is for cannot change", clash, `
apiVersion: v1
kind: ResourcePolicy
metadata: {name: has-team}
spec: {targetKind: Subject, rules: []}`, "targetKind of has-team cannot change while the ApplicationInstance shop-dev refers to it"),
	refuses("a condition is CEL", broken, `
apiVersion: v1
kind: ResourcePolicy
metadata: {name: x}
spec: {targetKind: Topic, rules: [{condition: "true", errorMessage: fine}, {condition: "spec.replicationFactor ==", errorMessage: m}]}`,
		"spec.rules[1].condition", "line 1, column 26: Syntax error"),
	refuses("a condition speaks of the resource", broken, `
apiVersion: v1
kind: ResourcePolicy
metadata: {name: x}
spec: {targetKind: Topic, rules: [{condition: "true &&\n  topic.name == 'x'", errorMessage: m}]}`, "line 2, column 3: undeclared reference to 'topic'"),
	refuses("a condition is true or false", broken, `
apiVersion: v1
kind: ResourcePolicy
metadata: {name: x}
spec: {targetKind: Topic, rules: [{condition: "size(spec)", errorMessage: m}]}`, "this one gives int"),

	refuses("a topic keeps the topic policies of its instance", clash, `
apiVersion: v2
kind: Topic
metadata: {name: shop.new, cluster: dev, labels: {team: shop}}
spec: {partitions: 13, replicationFactor: 1}`, "the topic policy few-partitions of application instance shop-dev", "spec.partitions must be between 1 and 12", "is 13"),
	refuses("a topic keeps the resource policies of its instance", clash, `
apiVersion: v2
kind: Topic
metadata: {name: shop.new, cluster: dev}
spec: {partitions: 1, replicationFactor: 1}`, "the resource policy has-team of application instance shop-dev says: name your team"),
	refuses("a changed topic keeps them too", clash, `
apiVersion: v2
kind: Topic
metadata: {name: shop.paid, cluster: dev, labels: {tier: gold}}
spec: {partitions: 3, replicationFactor: 1}`, "name your team"),
	refuses("a topic keeps the resource policies of its cluster", clash, `
apiVersion: v2
kind: Topic
metadata: {name: zero, cluster: dev}
spec: {partitions: 1, replicationFactor: 1}`, "the resource policy no-zero of cluster dev says: zero is no name"),
	refuses("partitions are fixed", clash, `
apiVersion: v2
kind: Topic
metadata: {name: shop.paid, cluster: dev, labels: {team: shop}}
spec: {partitions: 4, replicationFactor: 1}`, "partitions of topic shop.paid cannot change from 3 to 4"),
	refuses("replicas are fixed", clash, `
apiVersion: v2
kind: Topic
metadata: {name: shop.paid, cluster: dev, labels: {team: shop}}
spec: {partitions: 3, replicationFactor: 2}`, "replicationFactor of topic shop.paid cannot change from 1 to 2"),
	refuses("a topic has a name that Kafka takes", broken, `
apiVersion: v2
kind: Topic
metadata: {name: "a b", cluster: dev}
spec: {partitions: 3, replicationFactor: 2}`, "Kafka topic name"),
	refuses("former labels are refused", broken, `
apiVersion: v2
kind: Connector
metadata: {name: x, cluster: dev, connectCluster: connect-a, labels: {conduktor.io/auto-restart-enabled: "true"}}
spec: {config: {connector.class: X, tasks.max: "1"}}`, "metadata.labels.conduktor.io/auto-restart-enabled", "metadata.autoRestart"),

	refuses("a subject keeps the resource policies of its application", clash, `
apiVersion: v2
kind: Subject
metadata: {name: shop.new-value, cluster: dev}
spec: {format: JSON, schema: "{}"}`, "the resource policy avro-only of application shop says: we speak Avro"),
	refuses("a subject's references exist", gone, `
apiVersion: v2
kind: Subject
metadata: {name: new-value, cluster: dev}
spec: {format: JSON, schema: "{}", references: [{name: x, subject: nope, version: 1}]}`, "Subject nope not found on cluster dev"),
	refuses("a subject's references have the version", gone, `
apiVersion: v2
kind: Subject
metadata: {name: new-value, cluster: dev}
spec: {format: JSON, schema: "{}", references: [{name: x, subject: money-value, version: 2}]}`, "Subject money-value has no version 2; the newest is 1"),
	refuses("a schema is well formed", broken, `
apiVersion: v2
kind: Subject
metadata: {name: new-value, cluster: dev}
spec: {format: AVRO, schema: '{"type":"record","name":"X","fields":[{"name":"a","type":"strin"}]}'}`, "spec.schema", "fields[0].type", `"strin" is not defined`),
	refuses("a subject whose schema others refer to stays", clash, "delete Subject dev/money-value", "the schema of the subject shop.paid-value refers to it"),
	refuses("a cluster with Glue has no subjects", clash, `
apiVersion: v2
kind: Subject
metadata: {name: new-value, cluster: aws}
spec: {format: JSON, schema: "{}"}`, "use the kind GlueSchema"),
	refuses("a cluster with a registry like Confluent's has no Glue schemas", clash, `
apiVersion: v2
kind: GlueSchema
metadata: {name: x, cluster: dev}
spec: {format: JSON, schema: "{}", compatibility: NONE}`, "use the kind Subject"),
	refuses("a cluster without registry has no Glue schemas", clash, `
apiVersion: v2
kind: GlueSchema
metadata: {name: x, cluster: other}
spec: {format: JSON, schema: "{}", compatibility: NONE}`, "no schema registry of type Glue"),
	refuses("a Glue schema is well formed", broken, `
apiVersion: v2
kind: GlueSchema
metadata: {name: x, cluster: aws}
spec: {format: JSON, schema: "{", compatibility: NONE}`, "spec.schema", "no JSON"),

	refuses("a connector keeps the resource policies of its Kafka Connect cluster", clash, `
apiVersion: v2
kind: Connector
metadata: {name: x, cluster: dev, connectCluster: connect-a}
spec: {config: {connector.class: X, tasks.max: "2"}}`, "the resource policy one-task of Kafka Connect cluster connect-a says: one task is enough"),
	refuses("a connector has a class", broken, `
apiVersion: v2
kind: Connector
metadata: {name: x, cluster: dev, connectCluster: connect-a}
spec: {config: {tasks.max: "1"}}`, "spec.config.connector.class"),
	refuses("a connector's config has no other name", broken, `
apiVersion: v2
kind: Connector
metadata: {name: x, cluster: dev, connectCluster: connect-a}
spec: {config: {connector.class: X, tasks.max: "1", name: y}}`, "spec.config.name"),

	refuses("an indexed topic exists", gone, `
apiVersion: v1
kind: IndexedTopic
metadata: {name: nope, cluster: dev}
spec: {retentionTimeInSecond: 60}`, "Topic nope not found on cluster dev"),

	refuses("Kafka ACLs are not for Aiven", clash, `
apiVersion: v1
kind: ServiceAccount
metadata: {name: x, cluster: aiven}
spec: {authorization: {type: KAFKA_ACL, acls: []}}`, "cluster aiven takes AIVEN_ACL, not KAFKA_ACL"),
	refuses("Aiven ACLs are for Aiven alone", clash, `
apiVersion: v1
kind: ServiceAccount
metadata: {name: x, cluster: dev}
spec: {authorization: {type: AIVEN_ACL, acls: []}}`, "cluster dev takes KAFKA_ACL, not AIVEN_ACL"),
	refuses("a service account's instance exists", gone, `
apiVersion: v1
kind: ServiceAccount
metadata: {name: x, cluster: dev, appInstance: nope}
spec: {authorization: {type: KAFKA_ACL, acls: []}}`, "ApplicationInstance nope not found"),
	refuses("a service account's instance is on the cluster", clash, `
apiVersion: v1
kind: ServiceAccount
metadata: {name: x, cluster: dev, appInstance: mail-other}
spec: {authorization: {type: KAFKA_ACL, acls: []}}`, "mail-other is on cluster other, not on dev"),
	refuses("a service account is claimed once", clash, `
apiVersion: v1
kind: ServiceAccount
metadata: {name: sa-mail, cluster: dev, appInstance: shop-dev}
spec: {authorization: {type: KAFKA_ACL, acls: []}}`, "belongs to the application instance mail-dev already"),
	refuses("an application's account reaches what the instance owns", clash, `
apiVersion: v1
kind: ServiceAccount
metadata: {name: sa-mail, cluster: dev, appInstance: mail-dev}
spec: {authorization: {type: KAFKA_ACL, acls: [{type: TOPIC, name: other., patternType: PREFIXED, operations: [Read]}]}}`, "neither owns nor was granted TOPIC other. (PREFIXED)"),
	refuses("an application's account is granted no more than was given", clash, `
apiVersion: v1
kind: ServiceAccount
metadata: {name: sa-mail, cluster: dev, appInstance: mail-dev}
spec: {authorization: {type: KAFKA_ACL, acls: [{type: TOPIC, name: shop.paid, patternType: LITERAL, operations: [Write]}]}}`, "neither owns nor was granted TOPIC shop.paid"),
	refuses("an application's account may not create topics", clash, `
apiVersion: v1
kind: ServiceAccount
metadata: {name: sa-mail, cluster: dev, appInstance: mail-dev}
spec: {authorization: {type: KAFKA_ACL, acls: [{type: TOPIC, name: mail., patternType: PREFIXED, operations: [Read, Create]}]}}`, "may not give Create on TOPIC"),
	refuses("an application's account has no delegation tokens", clash, `
apiVersion: v1
kind: ServiceAccount
metadata: {name: sa-mail, cluster: dev, appInstance: mail-dev}
spec: {authorization: {type: KAFKA_ACL, acls: [{type: DELEGATION_TOKEN, name: x, patternType: LITERAL, operations: [Describe]}]}}`, "DELEGATION_TOKEN"),
	refuses("an application's account reaches subjects that it owns", clash, `
apiVersion: v1
kind: ServiceAccount
metadata: {name: sa-mail, cluster: dev, appInstance: mail-dev}
spec:
  authorization: {type: KAFKA_ACL, acls: []}
  schemaRegistryAuthorization: {acls: [{name: shop., patternType: PREFIXED, operations: [Read]}]}`, "SUBJECT shop."),

	refuses("a partner zone's cluster exists", gone, `
apiVersion: v2
kind: PartnerZone
metadata: {name: x}
spec: {cluster: nope, authenticationMode: {type: PLAIN, serviceAccount: p}}`, "Cluster nope not found"),
	refuses("a partner zone's cluster is a Gateway", clash, `
apiVersion: v2
kind: PartnerZone
metadata: {name: x}
spec: {cluster: dev, authenticationMode: {type: PLAIN, serviceAccount: p}}`, "cluster dev is no Conduktor Gateway"),
	refuses("a partner zone's underlying cluster exists", gone, `
apiVersion: v2
kind: PartnerZone
metadata: {name: x}
spec: {cluster: gw, underlyingCluster: nope, authenticationMode: {type: PLAIN, serviceAccount: p}}`, "Cluster nope not found"),
	refuses("a partner zone's topics have names of their own", broken, `
apiVersion: v2
kind: PartnerZone
metadata: {name: x}
spec:
  cluster: gw
  authenticationMode: {type: PLAIN, serviceAccount: p}
  topics: [{name: a, backingTopic: x, permission: READ}, {name: a, backingTopic: y, permission: READ}]`, "spec.topics[1].name"),
	refuses("a partner zone's header patterns compile", broken, `
apiVersion: v2
kind: PartnerZone
metadata: {name: x}
spec: {cluster: gw, authenticationMode: {type: PLAIN, serviceAccount: p}, headers: {removeOnConsume: [{keyRegex: "("}]}}`, "spec.headers.removeOnConsume[0].keyRegex"),

	refuses("a data quality rule is CEL", broken, `
apiVersion: v1
kind: DataQualityRule
metadata: {name: x}
spec: {type: Cel, celExpression: "value.id > ", displayName: X}`, "spec.celExpression", "line 1, column"),
	refuses("a data quality rule speaks of a message", broken, `
apiVersion: v1
kind: DataQualityRule
metadata: {name: x}
spec: {type: Cel, celExpression: "message.id > 1", displayName: X}`, "undeclared reference to 'message'"),
	refuses("a data quality rule is a JSON schema", broken, `
apiVersion: v1
kind: DataQualityRule
metadata: {name: x}
spec: {type: JsonSchema, schema: {properties: {id: {type: strin}}}, displayName: X}`, "spec.schema", "properties.id.type"),
	refuses("a data quality rule in use stays", clash, "delete DataQualityRule has-id", "the DataQualityPolicy ids refers to it"),
	refuses("a built-in rule cannot change", clash, `
apiVersion: v1
kind: DataQualityRule
metadata: {name: enforce-avro}
spec: {type: Cel, celExpression: "true", displayName: X}`, "enforce-avro is built in"),
	refuses("a built-in rule cannot be deleted", clash, "delete DataQualityRule enforce-schema-id", "enforce-schema-id is built in"),

	refuses("a data quality policy's group exists", gone, `
apiVersion: v1
kind: DataQualityPolicy
metadata: {name: x, group: nope}
spec: {displayName: X, actions: {}}`, "Group nope not found"),
	refuses("a data quality policy's rules exist", gone, `
apiVersion: v1
kind: DataQualityPolicy
metadata: {name: x, group: quality}
spec: {displayName: X, rules: [has-id, nope], actions: {}}`, "DataQualityRule nope not found"),
	refuses("a data quality policy's clusters exist", gone, `
apiVersion: v1
kind: DataQualityPolicy
metadata: {name: x, group: quality}
spec: {displayName: X, targets: [{cluster: nope, topic: t, patternType: LITERAL}], actions: {}}`, "Cluster nope not found"),
	refuses("a data quality policy does not mix Gateways and others", clash, `
apiVersion: v1
kind: DataQualityPolicy
metadata: {name: x, group: quality}
spec: {displayName: X, targets: [{cluster: gw, topic: t, patternType: LITERAL}, {cluster: dev, topic: t, patternType: LITERAL}], actions: {}}`, "gw and dev are not of one kind"),
	refuses("a data quality policy's prefixes have no star", broken, `
apiVersion: v1
kind: DataQualityPolicy
metadata: {name: x, group: quality}
spec: {displayName: X, targets: [{cluster: gw, topic: "t*", patternType: PREFIXED}], actions: {}}`, "spec.targets[0].topic"),
	refuses("a data quality policy with alerts stays", clash, "delete DataQualityPolicy ids", "the Alert many-violations refers to it"),

	refuses("an integration has its own settings", broken, `
apiVersion: v3
kind: Integration
metadata: {name: Slack}
spec: {config: {smtpServerUrl: s, enableTls: true, ignoreUntrustedCertificate: false, senderEmail: a@b.example, username: u, password: p}}`, "spec.config.token"),
	refuses("an integration without settings has none", broken, `
apiVersion: v3
kind: Integration
metadata: {name: Teams}
spec: {config: {token: t}}`, "the integration Teams has no settings"),

	refuses("an alert of version 2 is on a cluster that exists", gone, `
apiVersion: v2
kind: Alert
metadata: {name: x, cluster: nope}
spec: {type: BrokerAlert, metric: MessageIn, operator: GreaterThan, threshold: 1}`, "Cluster nope not found"),
	refuses("an alert has an owner", broken, `
apiVersion: v3
kind: Alert
metadata: {name: x}
spec: {type: BrokerAlert, cluster: dev, metric: MessageIn, operator: GreaterThan, threshold: 1}`, "exactly one owner"),
	refuses("an alert has one owner", broken, `
apiVersion: v3
kind: Alert
metadata: {name: x, group: owners, user: ada@rules.example}
spec: {type: BrokerAlert, cluster: dev, metric: MessageIn, operator: GreaterThan, threshold: 1}`, "at most one of"),
	refuses("an alert's group exists", gone, `
apiVersion: v3
kind: Alert
metadata: {name: x, group: nope}
spec: {type: BrokerAlert, cluster: dev, metric: MessageIn, operator: GreaterThan, threshold: 1}`, "Group nope not found"),
	refuses("an alert's user exists", gone, `
apiVersion: v3
kind: Alert
metadata: {name: x, user: nope@rules.example}
spec: {type: BrokerAlert, cluster: dev, metric: MessageIn, operator: GreaterThan, threshold: 1}`, "User nope@rules.example not found"),
	refuses("an alert's instance exists", gone, `
apiVersion: v3
kind: Alert
metadata: {name: x, appInstance: nope}
spec: {type: BrokerAlert, cluster: dev, metric: MessageIn, operator: GreaterThan, threshold: 1}`, "ApplicationInstance nope not found"),
	refuses("an alert's cluster exists", gone, `
apiVersion: v3
kind: Alert
metadata: {name: x, group: owners}
spec: {type: BrokerAlert, cluster: nope, metric: MessageIn, operator: GreaterThan, threshold: 1}`, "Cluster nope not found"),
	refuses("an alert's Kafka Connect cluster exists", gone, `
apiVersion: v3
kind: Alert
metadata: {name: x, group: owners}
spec: {type: KafkaConnectAlert, cluster: dev, connectName: nope, connectorName: c, metric: FailedTaskCount, operator: GreaterThan, threshold: 1}`, "Kafka Connect cluster nope not found"),
	refuses("an alert's data quality policy exists", gone, `
apiVersion: v3
kind: Alert
metadata: {name: x, group: owners}
spec: {type: DataQualityPolicyAlert, policyName: nope, triggerAfter: 1, withinInSeconds: 1}`, "DataQualityPolicy nope not found"),
}

// TestKindRefusals: every rule between resources refuses, says why, and changes
// nothing; a dry run refuses alike.
func TestKindRefusals(t *testing.T) {
	world := startKinds(t, ruleWorld)
	for _, one := range ruleCases {
		t.Run(one.rule, func(t *testing.T) {
			before := world.state(t)
			if target, isDelete := strings.CutPrefix(one.call, "delete "); isDelete {
				refusedWith(t, world.delete(t, world.root, namedResource(target)), one.status, one.texts...)
			} else {
				resource := yamlObject(t, one.call)
				refusedWith(t, world.put(t, world.root, resource, true), one.status, one.texts...)
				refusedWith(t, world.put(t, world.root, resource, false), one.status, one.texts...)
			}
			sameState(t, before, world.state(t))
		})
	}
}

// versionsOfKinds are those of the kinds that cases delete.
var versionsOfKinds = map[string]string{"KafkaCluster": "v2", "KafkaConnectCluster": "v2", "Group": "v2", "User": "v2", "Subject": "v2"}

// namedResource is enough of a resource to find it: "KIND NAME" or "KIND CLUSTER/NAME".
func namedResource(target string) map[string]any {
	kind, name, _ := strings.Cut(target, " ")
	metadata := map[string]any{"name": name}
	if cluster, below, ok := strings.Cut(name, "/"); ok {
		metadata = map[string]any{"name": below, "cluster": cluster}
	}
	version := versionsOfKinds[kind]
	if version == "" {
		version = "v1"
	}
	return map[string]any{"apiVersion": version, "kind": kind, "metadata": metadata, "spec": map[string]any{}}
}

// TestGroupsKeepTheirReach: what an application group lists cannot be taken from its
// instance, neither by the instance nor by who shares it.
func TestGroupsKeepTheirReach(t *testing.T) {
	world := startKinds(t, ruleWorld, `
apiVersion: v1
kind: ApplicationGroup
metadata: {name: readers, application: mail}
spec:
  displayName: Readers
  permissions:
    - {appInstance: mail-dev, resourceType: TOPIC, patternType: LITERAL, name: shop.paid, permissions: [topicConsume]}
    - {appInstance: mail-dev, resourceType: TOPIC, patternType: LITERAL, name: mail.sent, permissions: [topicConsume]}`)
	before := world.state(t)
	refusedWith(t, world.put(t, world.root, yamlObject(t, `{apiVersion: v1, kind: ApplicationInstance, metadata: {name: mail-dev, application: mail}, spec: {cluster: dev}}`), false),
		http.StatusConflict, "the ApplicationGroup readers lists mail.sent", "change the group first")
	shared := yamlObject(t, `{apiVersion: v1, kind: ApplicationInstancePermission, metadata: {name: shop-to-mail, application: shop, appInstance: shop-dev}}`)
	refusedWith(t, world.delete(t, world.root, shared), http.StatusConflict, "the ApplicationGroup readers lists shop.paid", "change the group first")
	sameState(t, before, world.state(t))
	if got := world.delete(t, world.root, yamlObject(t, `{apiVersion: v1, kind: ApplicationGroup, metadata: {name: readers, application: mail}}`)); got.status != http.StatusOK {
		t.Fatalf("delete the group: %d %s", got.status, got.body)
	}
	if got := world.delete(t, world.root, shared); got.status != http.StatusOK {
		t.Errorf("delete what no group lists: %d %s", got.status, got.body)
	}
}
