package kinds

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/store"
)

// Alert is the typed form of an alert of either version.
type Alert struct {
	Owner   string // OwnerKey, "" for version 2
	Cluster string // "" for an alert on a data quality policy

	Type, Metric, Operator           string
	Topic, Group, Connect, Connector string
	Policy                           string
	Threshold                        int64
	TriggerAfter, WithinSeconds      int64
	Disabled                         bool
}

// refAlertOwner is how an alert refers to its owner.
const refAlertOwner = "alert-owner"

func alertRule(version string) *Rule {
	rule := &Rule{
		Filters: map[string]func(*store.Tx, *store.Resource, string) bool{
			"cluster":       alertFilter(func(a *Alert) string { return a.Cluster }),
			"connector":     alertFilter(func(a *Alert) string { return a.Connector }),
			"connect":       alertFilter(func(a *Alert) string { return a.Connect }),
			"topic":         alertFilter(func(a *Alert) string { return a.Topic }),
			"consumerGroup": alertFilter(func(a *Alert) string { return a.Group }),
			"alertType":     alertFilter(func(a *Alert) string { return a.Type }),
		},
		Check:   checkAlert,
		Show:    showAlert,
		Present: presentAlert,
		Parse:   parseAlert,
		Refs:    alertRefs,
	}
	if version == "v3" {
		owner := func(ask Ask) Need { return alertOwnerNeed(ask.Tx, ask.Key.Parents[0]) }
		rule.Access = Access{Read: owner, Create: owner, Update: owner, Delete: owner}
		rule.Order = func(a, b *store.Resource) int {
			return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Parents[0], b.Parents[0]))
		}
	}
	return rule
}

func alertFilter(field func(*Alert) string) func(*store.Tx, *store.Resource, string) bool {
	return func(_ *store.Tx, r *store.Resource, want string) bool { return field(r.Value.(*Alert)) == want }
}

// alertOwnerNeed: to be the owner, or of it.
func alertOwnerNeed(tx *store.Tx, owner string) Need {
	field, name, _ := strings.Cut(owner, ":")
	switch field {
	case "user":
		return Need{User: name}
	case "group":
		return Need{Group: name}
	}
	if instance, err := findInstance(tx, "metadata.appInstance", name); err == nil {
		return Need{Application: instance.Application}
	}
	return Need{}
}

func checkAlert(c *Change) error {
	metadata, spec := part(c.Object, "metadata"), part(c.Object, "spec")
	if name := text(metadata, "appInstance"); name != "" {
		if _, err := findInstance(c.Tx, "metadata.appInstance", name); err != nil {
			return err
		}
	}
	if name := text(metadata, "group"); name != "" {
		if ok, err := exists(c.Tx, "Group", "v2", name); err != nil || !ok {
			return orAbsent(err, "metadata.group", "Group %s not found", name)
		}
	}
	if name := text(metadata, "user"); name != "" {
		if _, ok := FindUser(c.Tx, name); !ok {
			return absent("metadata.user", "", "User %s not found", name)
		}
	}
	if policy := text(spec, "policyName"); policy != "" {
		if ok, err := exists(c.Tx, "DataQualityPolicy", "v1", policy); err != nil || !ok {
			return orAbsent(err, "spec.policyName", "DataQualityPolicy %s not found", policy)
		}
		return nil
	}
	cluster := alertCluster(c.Object)
	if _, err := Cluster(c.Tx, "spec.cluster", cluster); err != nil {
		return err
	}
	if connect := text(spec, "connectName"); connect != "" {
		if _, err := ConnectCluster(c.Tx, "spec.connectName", cluster, connect); err != nil {
			return err
		}
	}
	return nil
}

// alertCluster is in the spec of version 3 and in the metadata of version 2.
func alertCluster(object map[string]any) string {
	return cmp.Or(text(part(object, "spec"), "cluster"), text(part(object, "metadata"), "cluster"))
}

func parseAlert(object map[string]any) (any, []openapi.Problem) {
	value, problems := typed[struct {
		Metadata struct{ AppInstance, Group, User string }
		Spec     struct {
			Type, Metric, Operator                   string
			TopicName, ConsumerGroupName             string
			ConnectName, ConnectorName, PolicyName   string
			Threshold, TriggerAfter, WithinInSeconds int64
			Disable                                  bool
		}
	}](object)
	if len(problems) > 0 {
		return nil, problems
	}
	spec := value.Spec
	alert := &Alert{Cluster: alertCluster(object), Type: spec.Type, Metric: spec.Metric, Operator: spec.Operator,
		Topic: spec.TopicName, Group: spec.ConsumerGroupName, Connect: spec.ConnectName, Connector: spec.ConnectorName,
		Policy: spec.PolicyName, Threshold: spec.Threshold, TriggerAfter: spec.TriggerAfter,
		WithinSeconds: spec.WithinInSeconds, Disabled: spec.Disable}
	for field, name := range map[string]string{"appInstance": value.Metadata.AppInstance, "group": value.Metadata.Group, "user": value.Metadata.User} {
		if name != "" {
			alert.Owner = OwnerKey(field, name)
		}
	}
	return alert, nil
}

func alertRefs(value any) []string {
	alert := value.(*Alert)
	var refs []string
	if alert.Owner != "" {
		refs = append(refs, store.Ref(refAlertOwner, alert.Owner))
		if alert.Cluster != "" {
			refs = append(refs, store.Ref(refUses, alert.Cluster))
		}
	}
	if alert.Policy != "" {
		refs = append(refs, store.Ref(refPolicyAlert, alert.Policy))
	}
	return refs
}

func showAlert(c *Change) error {
	value, problems := parseAlert(c.Object)
	if err := FromProblems(problems); err != nil {
		return err
	}
	metadata := part(c.Object, "metadata")
	metadata["updatedAt"] = shownTime(c.changedAt())
	if c.Outcome != NotChanged || !c.keep("metadata", "updatedBy") {
		metadata["updatedBy"] = c.by()
	}
	part(c.Object, "spec")["promQl"] = value.(*Alert).promQL()
	return nil
}

var promOperators = map[string]string{"GreaterThan": ">", "GreaterThanOrEqual": ">=", "LessThan": "<", "LessThanOrEqual": "<=", "NotEqual": "!="}

// promQL writes the condition in the language of Prometheus. The product's own
// names of the metrics are not public; these follow the names of the alert.
func (a *Alert) promQL() string {
	if a.Policy != "" {
		return fmt.Sprintf("increase(data_quality_violations{policy=%s}[%ds]) >= %d", strconv.Quote(a.Policy), a.WithinSeconds, a.TriggerAfter)
	}
	var labels []string
	for _, label := range []struct{ name, value string }{{"cluster", a.Cluster}, {"topic", a.Topic}, {"group", a.Group},
		{"connect", a.Connect}, {"connector", a.Connector}} {
		if label.value != "" {
			labels = append(labels, label.name+"="+strconv.Quote(label.value))
		}
	}
	return fmt.Sprintf("%s{%s} %s %d", snake(a.Metric), strings.Join(labels, ","), promOperators[a.Operator], a.Threshold)
}

// snake writes OffsetLag as offset_lag.
func snake(name string) string {
	var out strings.Builder
	for i, r := range name {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				out.WriteByte('_')
			}
			r += 'a' - 'A'
		}
		out.WriteRune(r)
	}
	return out.String()
}

// The statuses of an alert.
const (
	alertFiring  = "Firing"
	alertHealthy = "Healthy"
	alertPending = "Pending"
)

// presentAlert evaluates the condition over the figures of the world as they are
// now: an alert fires when they break it, and is pending where there are none
// or it is switched off.
func presentAlert(v View, r *store.Resource) ([]byte, error) {
	alert := r.Value.(*Alert)
	object := r.Object()
	metadata := part(object, "metadata")
	metadata["status"] = alertPending
	if alert.Disabled {
		return store.EncodeObject(object)
	}
	measured, err := alert.measure(v.engine.Live(v.Tx, v.Now))
	if err != nil {
		return nil, err
	}
	switch {
	case measured == nil:
	case alert.broken(measured.value):
		metadata["status"] = alertFiring
		since := r.UpdatedAt
		if measured.of != nil && measured.of.UpdatedAt.After(since) {
			since = measured.of.UpdatedAt
		}
		metadata["lastTriggeredAt"] = shownTime(since)
	default:
		metadata["status"] = alertHealthy
	}
	return store.EncodeObject(object)
}

// measurement is a value, and the resource that holds it if any.
type measurement struct {
	value float64
	of    *store.Resource
}

func (a *Alert) broken(value float64) bool {
	threshold := float64(a.Threshold)
	switch a.Operator {
	case "GreaterThan":
		return value > threshold
	case "GreaterThanOrEqual":
		return value >= threshold
	case "LessThan":
		return value < threshold
	case "LessThanOrEqual":
		return value <= threshold
	case "NotEqual":
		return value != threshold
	}
	return false // on a data quality policy: no message ever breaks a rule
}

// measure finds what the alert looks at, nil where the world has no figure.
func (a *Alert) measure(live Live) (*measurement, error) {
	switch a.Type {
	case "TopicAlert":
		return a.measureTopic(live)
	case "ConsumerGroupAlert":
		return a.measureGroup(live)
	case "BrokerAlert":
		switch a.Metric {
		case "OfflinePartitionCount", "UnderMinIsrPartitionCount", "UnderReplicatedPartitionCount":
			return &measurement{}, nil // no broker here ever fails
		}
		return nil, nil
	case "KafkaConnectAlert":
		_, err := live.tx.Resource("Connector", "v2", []string{a.Cluster, a.Connect}, a.Connector)
		return measuredIf(err, &measurement{}) // no task here ever fails
	}
	return &measurement{}, nil
}

func measuredIf(err error, m *measurement) (*measurement, error) {
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return m, err
}

func (a *Alert) measureTopic(live Live) (*measurement, error) {
	r, err := live.tx.Resource("TopicFigures", "v1", []string{a.Cluster}, a.Topic)
	if err != nil {
		return measuredIf(err, nil)
	}
	figures := live.Topic(r)
	switch a.Metric {
	case "MessageCount":
		return &measurement{float64(figures.RecordCount), r}, nil
	case "MessageIn":
		return &measurement{figures.ProduceRate, r}, nil
	case "MessageSize":
		if figures.TopicSize != nil {
			return &measurement{float64(*figures.TopicSize), r}, nil
		}
	}
	return nil, nil
}

func (a *Alert) measureGroup(live Live) (*measurement, error) {
	r, err := live.tx.Resource("ConsumerGroup", "v1", []string{a.Cluster}, a.Group)
	if err != nil {
		return measuredIf(err, nil)
	}
	group := live.Group(r)
	lag := group.OverallLag
	if a.Metric == "TimeLag" {
		lag = group.MaxLagTimeInSeconds
	}
	if lag == nil {
		return nil, nil
	}
	return &measurement{float64(*lag), r}, nil
}
